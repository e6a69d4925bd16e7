import { KeptReadings } from '../../../src/model/kept-readings.ts';
import type { Point } from '../../../src/model/point.ts';
import type { Reading } from '../../../src/model/reading.ts';
import { isSame } from '../../../src/model/value.ts';
import type { PointNumbers } from '../nodes/point-numbers.ts';

/** What each point was last known to be, and which of that is in doubt. Outlives the sessions. */
export class LastReadings {
  readonly #numbers: PointNumbers;
  /** All of these by number: as the device sampled it. */
  readonly #samples = new KeptReadings();
  /** As it was told, where that is something else. */
  readonly #told = new Map<number, Reading>();
  /** From then on nobody knows whether the value still stands. */
  readonly #doubtedSinceMs = new Map<number, number>();
  /** It was read while the server may still be about to send it by itself. */
  readonly #ahead = new Map<number, Reading>();

  constructor(numbers: PointNumbers) {
    this.#numbers = numbers;
  }

  isDoubted(point: Point): boolean {
    const number = this.#numbers.find(point);
    return number !== undefined && this.#doubtedSinceMs.has(number);
  }

  /** The last reading as the device sampled it. */
  sample(point: Point): Reading | undefined {
    const number = this.#numbers.find(point);
    return number === undefined ? undefined : this.#samples.get(number, point);
  }

  forget(points: readonly Point[]): void {
    for (const point of points) {
      const number = this.#numbers.find(point);
      if (number === undefined) continue;
      for (const column of [this.#samples, this.#told, this.#doubtedSinceMs, this.#ahead]) column.delete(number);
    }
  }

  /**
   * Takes note of new readings and gives them back. A doubted one that shows no newer sample gets the time of now: it was seen now
   * that the value still stands. A newer sample keeps its time, and ends the doubt unless the doubt is later. What `takeAhead`
   * gave already is left out.
   */
  take(readings: readonly Reading[], nowMs: number): readonly Reading[] {
    const taken: Reading[] = [];
    for (const reading of readings) {
      const number = this.#numbers.of(reading.point);
      if (this.#isAhead(number, reading)) continue;
      const told = this.#doubtedSinceMs.size === 0 ? reading : this.#settle(number, reading, nowMs);
      if (told !== reading) this.#told.set(number, told);
      else if (this.#told.size > 0) this.#told.delete(number);
      this.#samples.set(number, reading);
      taken.push(told);
    }
    return taken;
  }

  /** Came already, by `takeAhead`. */
  #isAhead(number: number, reading: Reading): boolean {
    const ahead = this.#ahead.size === 0 ? undefined : this.#ahead.get(number);
    if (ahead === undefined || !isSameSample(ahead, reading)) return false;
    this.#ahead.delete(number);
    return true;
  }

  #settle(number: number, reading: Reading, nowMs: number): Reading {
    const doubtedSinceMs = this.#doubtedSinceMs.get(number);
    if (doubtedSinceMs === undefined) return reading;
    const before = this.#toldOf(number, reading.point);
    const isSeenAgain = before !== undefined && reading.sourceTimeMs <= this.#samples.timeMs(number);
    const told = isSeenAgain ? { ...reading, sourceTimeMs: notBefore(before, nowMs) } : reading;
    if (told.sourceTimeMs >= doubtedSinceMs) this.#doubtedSinceMs.delete(number);
    return told;
  }

  #toldOf(number: number, point: Point): Reading | undefined {
    return this.#told.get(number) ?? this.#samples.get(number, point);
  }

  /** The same for what was read of points that the server tells by itself, too, perhaps a moment later. */
  takeAhead(readings: readonly Reading[], nowMs: number): readonly Reading[] {
    const isNews = ({ point, sourceTimeMs }: Reading) => sourceTimeMs > (this.sample(point)?.sourceTimeMs ?? 0);
    const news = readings.filter(isNews);
    const taken = this.take(readings, nowMs);
    for (const reading of news) this.#ahead.set(this.#numbers.of(reading.point), reading);
    return taken;
  }

  /**
   * The last values of the points with quality `uncertain`; points that were never read or are `bad` anyway are left out. The time
   * is now: that of a status that is not good is when it was noticed (Part 4, SourceTimestamp).
   */
  doubt(points: readonly Point[], status: string, nowMs: number): readonly Reading[] {
    return points.flatMap((point): readonly Reading[] => {
      const number = this.#numbers.find(point);
      const before = number === undefined ? undefined : this.#toldOf(number, point);
      if (number === undefined || before === undefined || before.quality === 'bad') return [];
      const told: Reading = { ...before, quality: 'uncertain', status, sourceTimeMs: notBefore(before, nowMs) };
      this.#told.set(number, told);
      this.#doubtedSinceMs.set(number, told.sourceTimeMs);
      return [told];
    });
  }

  /** The session was lost, and every point was told to be bad. */
  lose(points: readonly Point[], nowMs: number): void {
    for (const point of points) {
      const number = this.#numbers.find(point);
      const before = number === undefined ? undefined : this.#toldOf(number, point);
      if (number !== undefined && before !== undefined) this.#doubtedSinceMs.set(number, notBefore(before, nowMs));
    }
  }
}

function isSameSample(a: Reading, b: Reading): boolean {
  return a.sourceTimeMs === b.sourceTimeMs && a.quality === b.quality && isSame(a.value, b.value);
}

/** The clock of the device may be ahead of ours. */
function notBefore({ sourceTimeMs }: Reading, nowMs: number): number {
  return Math.max(nowMs, sourceTimeMs);
}
