import type { Point } from '../../../src/model/point.ts';
import type { PointNumbers } from './point-numbers.ts';

/** One thing of each point, by its number. */
export class PointColumn<T> {
  readonly #numbers: PointNumbers;
  readonly #things: (T | undefined)[] = [];

  constructor(numbers: PointNumbers) {
    this.#numbers = numbers;
  }

  get(point: Point): T | undefined {
    const number = this.#numbers.find(point);
    return number === undefined ? undefined : this.#things[number];
  }

  at(number: number): T | undefined {
    return this.#things[number];
  }

  set(point: Point, thing: T): void {
    const number = this.#numbers.of(point);
    while (this.#things.length <= number) this.#things.push(undefined);
    this.#things[number] = thing;
  }

  delete(point: Point): void {
    const number = this.#numbers.find(point);
    if (number !== undefined && number < this.#things.length) this.#things[number] = undefined;
  }

  /** In the order of the numbers. */
  things(isWanted: (thing: T, number: number) => boolean = () => true): readonly T[] {
    return this.#things.filter((thing, number) => thing !== undefined && isWanted(thing, number)) as readonly T[];
  }
}
