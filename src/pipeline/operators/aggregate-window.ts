import type { Point } from '../../model/point.ts';
import { worseQuality } from '../../model/quality.ts';
import { badReading, type Reading } from '../../model/reading.ts';
import { isCompound, type Value } from '../../model/value.ts';

export const AGGREGATE_FUNCTIONS = [
  'mean',
  'min',
  'max',
  'first',
  'last',
  'count',
  'sum',
  'standardDeviation',
  'timeWeightedMean',
] as const;
export type AggregateFunction = (typeof AGGREGATE_FUNCTIONS)[number];

/** One window of one point, computed as readings come, in constant memory. Mean and deviation after Welford. */
export class AggregateWindow {
  readonly endMs: number;
  readonly #startMs: number;
  readonly #everyMs: number;
  #worst: Reading | undefined;
  /** The last reading if it can stand for the time after it. */
  #held: Reading | undefined;
  #first: Value | undefined;
  #last: Value | undefined;
  #min: Value | undefined;
  #max: Value | undefined;
  #count = 0;
  #numbers = 0;
  #sum = 0;
  #mean = 0;
  #squares = 0;
  /** Up to here value × time is in `#area`. */
  #timeMs: number;
  #area = 0;
  #weightMs = 0;

  /** `held`: the reading that still holds when the window begins. */
  constructor(startMs: number, everyMs: number, held: Reading | undefined) {
    this.#startMs = startMs;
    this.#everyMs = everyMs;
    this.endMs = startMs + everyMs;
    this.#timeMs = startMs;
    this.#held = held;
  }

  get held(): Reading | undefined {
    return this.#held;
  }

  get isEmpty(): boolean {
    return this.#worst === undefined;
  }

  get lastTimeMs(): number {
    return this.#timeMs;
  }

  /** A reading that is late by less than a window is taken too, so that disorder on the way does not cut windows. */
  takes(timeMs: number): boolean {
    return timeMs < this.endMs && timeMs >= this.#startMs - this.#everyMs;
  }

  add(reading: Reading): void {
    this.#advance(reading.sourceTimeMs);
    const usable = toUsable(reading);
    if (this.#worst === undefined || worseQuality(this.#worst.quality, usable.quality) !== this.#worst.quality)
      this.#worst = usable;
    const { value } = usable;
    this.#held = value === null || usable.quality === 'bad' ? undefined : usable;
    if (value === null) return;
    this.#count += 1;
    this.#first ??= value;
    this.#last = value;
    const number = toNumber(value);
    if (number !== undefined) this.#addNumber(number, value);
  }

  #addNumber(number: number, value: Value): void {
    if (this.#min === undefined || value < this.#min) this.#min = value;
    if (this.#max === undefined || value > this.#max) this.#max = value;
    this.#numbers += 1;
    this.#sum += number;
    const delta = number - this.#mean;
    this.#mean += delta / this.#numbers;
    this.#squares += delta * (number - this.#mean);
  }

  #advance(toMs: number): void {
    const elapsedMs = Math.max(0, toMs - this.#timeMs);
    this.#timeMs += elapsedMs;
    const number = toNumber(this.#held?.value ?? null);
    if (number === undefined) return;
    this.#area += number * elapsedMs;
    this.#weightMs += elapsedMs;
  }

  /** Only once the window is over; `timeMs`: the time the result carries. */
  result(name: AggregateFunction, point: Point, timeMs: number): Reading {
    this.#advance(timeMs);
    const source = this.#worst ?? this.#held;
    const value = this.#value(name);
    if (source === undefined) return badReading(point, 'BadNoData', timeMs);
    if (value !== undefined) return { ...source, point, sourceTimeMs: timeMs, value };
    const status = source.quality === 'bad' && source.status !== undefined ? source.status : 'BadTypeMismatch';
    return badReading(point, status, timeMs);
  }

  #value(name: AggregateFunction): Value | undefined {
    const held = this.#count === 0 ? (this.#held?.value ?? undefined) : undefined;
    const heldNumber = held === undefined ? undefined : toNumber(held);
    switch (name) {
      case 'count':
        return this.#count;
      case 'first':
        return this.#first ?? held;
      case 'last':
        return this.#last ?? held;
      case 'min':
        return this.#min ?? (heldNumber === undefined ? undefined : held);
      case 'max':
        return this.#max ?? (heldNumber === undefined ? undefined : held);
      case 'sum':
        return this.#numbers > 0 ? this.#sum : heldNumber === undefined ? undefined : 0;
      case 'mean':
        return this.#numbers > 0 ? this.#mean : heldNumber;
      case 'standardDeviation':
        return this.#numbers > 0 ? Math.sqrt(this.#squares / this.#numbers) : heldNumber === undefined ? undefined : 0;
      case 'timeWeightedMean':
        return this.#weightMs > 0 ? this.#area / this.#weightMs : this.#numbers > 0 ? this.#mean : heldNumber;
    }
  }
}

/** NaN and the infinities would spoil the whole window. */
function toUsable(reading: Reading): Reading {
  if (typeof reading.value !== 'number' || Number.isFinite(reading.value)) return reading;
  return { ...reading, value: null, quality: 'bad', status: 'BadDecodingError' };
}

function toNumber(value: Value | null): number | undefined {
  return value === null || typeof value === 'string' || isCompound(value) ? undefined : Number(value);
}
