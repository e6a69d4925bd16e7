import type { Point } from './point.ts';
import type { Reading } from './reading.ts';

/**
 * One reading of each of many points, which have numbers from 0. Good numbers are kept as columns: an object for each of
 * 100 000 readings/s would live until a full garbage collection, and take six times as much.
 */
export class KeptReadings {
  /** NaN where the reading is none of a good number, or there is none. */
  readonly #numbers: number[] = [];
  readonly #timesMs: number[] = [];
  /** Those that are no good numbers. */
  readonly #others = new Map<number, Reading>();

  set(number: number, reading: Reading): void {
    const { value, quality, sourceTimeMs } = reading;
    this.#makeRoom(number);
    const isPlain = quality === 'good' && typeof value === 'number' && !Number.isNaN(value);
    if (!isPlain) this.#others.set(number, reading);
    else if (this.#others.size > 0) this.#others.delete(number);
    this.#numbers[number] = isPlain ? value : Number.NaN;
    this.#timesMs[number] = sourceTimeMs;
  }

  /** `point` is the one that has the number. */
  get(number: number, point: Point): Reading | undefined {
    const value = this.#numbers[number] ?? Number.NaN;
    if (Number.isNaN(value)) return this.#others.get(number);
    return { point, value, quality: 'good', sourceTimeMs: this.timeMs(number) };
  }

  /** Of the reading that is there. */
  timeMs(number: number): number {
    return this.#timesMs[number] ?? 0;
  }

  delete(number: number): void {
    if (number < this.#numbers.length) this.#numbers[number] = Number.NaN;
    this.#others.delete(number);
  }

  /** No holes: they would make each number an object. */
  #makeRoom(number: number): void {
    while (this.#numbers.length <= number) {
      this.#numbers.push(Number.NaN);
      this.#timesMs.push(0);
    }
  }
}
