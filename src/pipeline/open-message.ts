import { charactersOf } from '../model/decimal.ts';
import type { DevicePlan } from '../model/plan.ts';
import type { Reading } from '../model/reading.ts';
import type { TimedValue, TwinMessage } from '../model/twin-message.ts';
import { isCompound, mapScalars, type Scalar, type Value } from '../model/value.ts';

/** A twin message that still takes readings. Knows its size in the default JSON shape, as an upper bound. */
export class OpenMessage {
  readonly kind: Reading['point']['kind'];
  /** When the first reading came, by the scheduler's clock. */
  readonly openedAtMs: number;
  readonly #envelopeBytes: number;
  /** By name of the point, times after that of the first reading. */
  readonly #values = new Map<string, TimedValue[]>();
  #readings = 0;
  #bytes = 0;
  #firstMs = 0;
  /** Of the earliest and the latest, after the first. */
  #fromMs = 0;
  #toMs = 0;

  constructor(kind: Reading['point']['kind'], openedAtMs: number, envelopeBytes: number) {
    this.kind = kind;
    this.openedAtMs = openedAtMs;
    this.#envelopeBytes = envelopeBytes;
  }

  /** Takes the reading if the message has at most `maxBytes` with it, and the values of its point stay in order of time. */
  take(reading: Reading, maxBytes: number): boolean {
    if (this.#readings === 0) this.#firstMs = reading.sourceTimeMs;
    const offsetMs = reading.sourceTimeMs - this.#firstMs;
    const { name } = reading.point;
    const before = this.#values.get(name);
    if (before !== undefined && lastMs(before) > offsetMs) return false;
    const fromMs = Math.min(this.#fromMs, offsetMs);
    const toMs = Math.max(this.#toMs, offsetMs);
    const bytes = this.#bytes + bytesOf(reading, before === undefined);
    const offsetBytes = (this.#readings + 1) * charactersOf(toMs - fromMs);
    if (this.#envelopeBytes + bytes + offsetBytes > maxBytes) return false;
    this.#bytes = bytes;
    this.#fromMs = fromMs;
    this.#toMs = toMs;
    this.#readings += 1;
    if (before === undefined) this.#values.set(name, [timed(reading, offsetMs)]);
    else before.push(timed(reading, offsetMs));
    return true;
  }

  close({ twin, model }: DevicePlan): TwinMessage {
    const startTimeMs = this.#firstMs + this.#fromMs;
    if (this.#fromMs < 0) this.#moveBy(-this.#fromMs);
    const values: Record<string, TimedValue[]> = {};
    for (const [name, list] of this.#values) values[name] = list;
    return { twin, ...(model === undefined ? {} : { model }), kind: this.kind, startTimeMs, values };
  }

  /** A later reading told of an earlier time. */
  #moveBy(ms: number): void {
    for (const [name, list] of this.#values) {
      this.#values.set(
        name,
        list.map(([offsetMs, ...rest]) => [offsetMs + ms, ...rest] as unknown as TimedValue),
      );
    }
  }
}

function timed({ value, quality, status }: Reading, offsetMs: number): TimedValue {
  return quality === 'good' ? [offsetMs, value] : [offsetMs, value, quality, status ?? FALLBACK_STATUS[quality]];
}

function lastMs(list: readonly TimedValue[]): number {
  return list[list.length - 1]?.[0] ?? Number.NEGATIVE_INFINITY;
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
