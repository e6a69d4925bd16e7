import type { Point } from '../../../src/model/point.ts';

/** Numbers of points lie below this: four million, and 512 rounds above them, as a handle stays below those of events. */
const ROOM = 2 ** 22;
const ROUNDS = 2 ** 9;

/**
 * Numbers from 0 for the points of one connection: what is kept of each point is then a column, at a fifth of what a map by id would
 * take. Outlives the sessions.
 */
export class PointNumbers {
  readonly #numbers = new Map<string, number>();
  readonly #free: number[] = [];
  /** By number. Who asks goes through the points in their order, nearly always: that is looked at before the map is asked. */
  readonly #points: (Point | undefined)[] = [];
  #last = 0;
  #round = 0;

  /** `undefined` for a point that has none. */
  find(point: Point): number | undefined {
    const last = this.#last;
    if (this.#points[last] === point) return last;
    const number = this.#points[last + 1] === point ? last + 1 : this.#numbers.get(point.id);
    if (number !== undefined) this.#last = number;
    return number;
  }

  of(point: Point): number {
    const known = this.find(point);
    if (known !== undefined) return known;
    const number = this.#free.pop() ?? this.#points.length;
    this.#numbers.set(point.id, number);
    this.#points[number] = point;
    this.#last = number;
    return number;
  }

  /** To be called when no column holds anything of the points: others get their numbers. */
  free(points: readonly Point[]): void {
    for (const { id } of points) {
      const number = this.#numbers.get(id);
      if (number === undefined) continue;
      this.#numbers.delete(id);
      this.#points[number] = undefined;
      this.#free.push(number);
    }
  }

  /** From now on handles are others: what comes late is not taken for what is watched then. */
  beginRound(): void {
    this.#round = (this.#round + 1) % ROUNDS;
  }

  /** Names an item by the number of its first point. */
  handle(number: number): number {
    return this.#round * ROOM + number;
  }
}

/** The number of the first point of the item that has the handle. */
export function numberIn(handle: number): number {
  return handle % ROOM;
}
