import { charactersOf } from '../model/decimal.ts';
import type { DevicePlan } from '../model/plan.ts';
import type { Reading } from '../model/reading.ts';
import type { TimedValue, TwinMessage } from '../model/twin-message.ts';
import { isCompound, mapScalars, type Scalar, type Value } from '../model/value.ts';
import type { Roster } from './roster.ts';

/**
 * A twin message that still takes readings. Knows its size in the default JSON shape, as an upper bound. Begins anew when it is closed:
 * what came is kept as columns, which stay for the next message, because an object for each of 100 000 readings/s would live just long
 * enough to be moved to where only a full garbage collection finds it.
 */
export class OpenMessage {
  readonly kind: Reading['point']['kind'];
  readonly #roster: Roster;
  readonly #envelopeBytes: number;
  /** When the first reading came, by the scheduler's clock. */
  #openedAtMs = 0;
  /** Of each reading, in the order they came: the number of its point, its time after the first. */
  readonly #points: number[] = [];
  readonly #offsetsMs: number[] = [];
  /** Its value where that is a good number; else NaN, and the reading is the next of the others. */
  readonly #numbers: number[] = [];
  #others: Reading[] = [];
  /** By number of the point: its name, and the offset of its last reading in this message. */
  readonly #names: string[] = [];
  readonly #lastMs: number[] = [];
  #readings = 0;
  #bytes = 0;
  #firstMs = 0;
  /** Of the earliest and the latest, after the first. */
  #fromMs = 0;
  #toMs = 0;

  constructor(kind: Reading['point']['kind'], roster: Roster, envelopeBytes: number) {
    this.kind = kind;
    this.#roster = roster;
    this.#envelopeBytes = envelopeBytes;
  }

  get isEmpty(): boolean {
    return this.#readings === 0;
  }

  get openedAtMs(): number {
    return this.#openedAtMs;
  }

  /** Takes the reading if the message has at most `maxBytes` with it, and the values of its point stay in order of time. */
  take(reading: Reading, maxBytes: number, nowMs: number): boolean {
    const firstMs = this.isEmpty ? reading.sourceTimeMs : this.#firstMs;
    const offsetMs = reading.sourceTimeMs - firstMs;
    const number = this.#roster.indexOf(reading.point);
    const lastMs = this.#lastMs[number] ?? Number.NEGATIVE_INFINITY;
    if (lastMs > offsetMs) return false;
    const fromMs = Math.min(this.#fromMs, offsetMs);
    const toMs = Math.max(this.#toMs, offsetMs);
    const bytes = this.#bytes + bytesOf(reading, lastMs === Number.NEGATIVE_INFINITY);
    const offsetBytes = (this.#readings + 1) * charactersOf(toMs - fromMs);
    if (this.#envelopeBytes + bytes + offsetBytes > maxBytes) return false;
    if (this.isEmpty) this.#openedAtMs = nowMs;
    this.#firstMs = firstMs;
    this.#bytes = bytes;
    this.#fromMs = fromMs;
    this.#toMs = toMs;
    this.#keep(reading, number, offsetMs);
    return true;
  }

  #keep(reading: Reading, number: number, offsetMs: number): void {
    const at = this.#readings;
    const { value, quality, point } = reading;
    const isPlain = quality === 'good' && typeof value === 'number' && !Number.isNaN(value);
    this.#points[at] = number;
    this.#offsetsMs[at] = offsetMs;
    this.#numbers[at] = isPlain ? value : Number.NaN;
    if (!isPlain) this.#others.push(reading);
    this.#makeRoom(number);
    this.#lastMs[number] = offsetMs;
    this.#names[number] = point.name;
    this.#readings += 1;
  }

  /** No holes: they would make each number an object, or the whole array a table. */
  #makeRoom(number: number): void {
    while (this.#lastMs.length <= number) {
      this.#lastMs.push(Number.NEGATIVE_INFINITY);
      this.#names.push('');
    }
  }

  /** What came until now; afterwards it is empty. */
  close({ twin, model }: DevicePlan): TwinMessage {
    const message = {
      twin,
      ...(model === undefined ? {} : { model }),
      kind: this.kind,
      startTimeMs: this.#firstMs + this.#fromMs,
      values: this.#values(),
    };
    this.#others = [];
    this.#lastMs.fill(Number.NEGATIVE_INFINITY);
    this.#readings = 0;
    this.#bytes = 0;
    this.#fromMs = 0;
    this.#toMs = 0;
    return message;
  }

  /** By name of the point, times after the earliest. */
  #values(): Record<string, TimedValue[]> {
    const values: Record<string, TimedValue[]> = {};
    const lists = new Array<TimedValue[] | undefined>(this.#names.length);
    const others = this.#others.values();
    for (let at = 0; at < this.#readings; at += 1) {
      const number = this.#points[at] ?? 0;
      const offsetMs = (this.#offsetsMs[at] ?? 0) - this.#fromMs;
      const value = this.#numbers[at] ?? Number.NaN;
      const other = Number.isNaN(value) ? others.next().value : undefined;
      const timedValue: TimedValue = other === undefined ? [offsetMs, value] : timed(other, offsetMs);
      const list = lists[number];
      if (list === undefined) values[this.#names[number] ?? ''] = lists[number] = [timedValue];
      else list.push(timedValue);
    }
    return values;
  }
}

function timed({ value, quality, status }: Reading, offsetMs: number): TimedValue {
  return quality === 'good' ? [offsetMs, value] : [offsetMs, value, quality, status ?? FALLBACK_STATUS[quality]];
}

/** Without the digits of the offset, which depend on the whole message. */
function bytesOf({ point, value, quality, status = '' }: Reading, isFirst: boolean): number {
  const name = isFirst ? point.name.length + NAME_BYTES : 0;
  return name + VALUE_BYTES + valueBytes(value) + (quality === 'good' ? 0 : QUALITY_BYTES + status.length);
}

/** `"":[],` around a name, `[,],` around a value, `,"uncertain",""` behind it with room for a fallback status. */
const NAME_BYTES = 6;
const VALUE_BYTES = 4;
const QUALITY_BYTES = 24;

const FALLBACK_STATUS = { uncertain: 'Uncertain', bad: 'Bad' } as const;

function valueBytes(value: Value | null): number {
  if (typeof value === 'string') return Buffer.byteLength(JSON.stringify(value));
  // A bigint may be written as text.
  if (isCompound(value)) return Buffer.byteLength(JSON.stringify(mapScalars(value, bigintAsText)));
  if (typeof value === 'number') return charactersOf(value);
  return String(value).length + (typeof value === 'bigint' ? 2 : 0);
}

function bigintAsText(scalar: Scalar): Scalar {
  return typeof scalar === 'bigint' ? String(scalar) : scalar;
}
