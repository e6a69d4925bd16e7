import type { DevicePlan } from '../model/plan.ts';
import type { Reading } from '../model/reading.ts';
import type { MessageKind, TimedValue, TwinMessage } from '../model/twin-message.ts';
import { isCompound, mapScalars, type Scalar, type Value } from '../model/value.ts';

/** A twin message that still takes readings. Knows its size in the default JSON shape, as an upper bound. */
export class OpenMessage {
  readonly kind: MessageKind;
  /** When the first reading came, by the scheduler's clock. */
  readonly openedAtMs: number;
  readonly #readings = new Map<string, Reading[]>();
  readonly #envelopeBytes: number;
  #bytes = 0;
  #count = 0;
  #startMs = Number.POSITIVE_INFINITY;
  #endMs = Number.NEGATIVE_INFINITY;

  constructor(kind: MessageKind, openedAtMs: number, envelopeBytes: number) {
    this.kind = kind;
    this.openedAtMs = openedAtMs;
    this.#envelopeBytes = envelopeBytes;
  }

  /** Whether the message has at most `maxBytes` with this reading, and the values of its point stay in order of time. */
  fits(reading: Reading, maxBytes: number): boolean {
    const last = this.#readings.get(reading.point.name)?.at(-1);
    if (last !== undefined && last.sourceTimeMs > reading.sourceTimeMs) return false;
    const startMs = Math.min(this.#startMs, reading.sourceTimeMs);
    const endMs = Math.max(this.#endMs, reading.sourceTimeMs);
    const offsetBytes = (this.#count + 1) * String(endMs - startMs).length;
    return this.#envelopeBytes + this.#bytes + this.#bytesOf(reading) + offsetBytes <= maxBytes;
  }

  add(reading: Reading): void {
    const { point, sourceTimeMs } = reading;
    this.#bytes += this.#bytesOf(reading);
    this.#count += 1;
    this.#startMs = Math.min(this.#startMs, sourceTimeMs);
    this.#endMs = Math.max(this.#endMs, sourceTimeMs);
    const before = this.#readings.get(point.name);
    if (before === undefined) this.#readings.set(point.name, [reading]);
    else before.push(reading);
  }

  close(device: DevicePlan): TwinMessage {
    const { twin, model } = device;
    const values: Record<string, readonly TimedValue[]> = {};
    for (const [name, readings] of this.#readings) values[name] = readings.map((reading) => this.#timed(reading));
    return { twin, ...(model === undefined ? {} : { model }), kind: this.kind, startTimeMs: this.#startMs, values };
  }

  #timed({ sourceTimeMs, value, quality, status }: Reading): TimedValue {
    const offsetMs = sourceTimeMs - this.#startMs;
    return quality === 'good' ? [offsetMs, value] : [offsetMs, value, quality, status ?? FALLBACK_STATUS[quality]];
  }

  /** Without the digits of the offset, which depend on the whole message. */
  #bytesOf({ point, value, quality, status = '' }: Reading): number {
    const name = this.#readings.has(point.name) ? 0 : point.name.length + NAME_BYTES;
    return name + VALUE_BYTES + valueBytes(value) + (quality === 'good' ? 0 : QUALITY_BYTES + status.length);
  }
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
  return String(value).length + (typeof value === 'bigint' ? 2 : 0);
}

function bigintAsText(scalar: Scalar): Scalar {
  return typeof scalar === 'bigint' ? String(scalar) : scalar;
}
