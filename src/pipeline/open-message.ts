import type { DevicePlan } from '../model/plan.ts';
import type { Reading } from '../model/reading.ts';
import type { MessageKind, TimedValue, TwinMessage } from '../model/twin-message.ts';
import { isCompound, mapScalars, type Scalar, type Value } from '../model/value.ts';

/** A twin message that still takes readings. Knows its size in the default JSON shape, as an upper bound. */
export class OpenMessage {
  readonly kind: MessageKind;
  /** When the first reading came, by the scheduler's clock. */
  readonly openedAtMs: number;
  readonly #envelopeBytes: number;
  readonly #readings: Reading[] = [];
  /** Of each point, by its id: most messages carry few of a device's points, so this is no array. */
  readonly #last = new Map<string, Reading>();
  #bytes = 0;
  #startMs = Number.POSITIVE_INFINITY;
  #endMs = Number.NEGATIVE_INFINITY;

  constructor(kind: MessageKind, openedAtMs: number, envelopeBytes: number) {
    this.kind = kind;
    this.openedAtMs = openedAtMs;
    this.#envelopeBytes = envelopeBytes;
  }

  /** Takes the reading if the message has at most `maxBytes` with it, and the values of its point stay in order of time. */
  take(reading: Reading, maxBytes: number): boolean {
    const { id } = reading.point;
    const last = this.#last.get(id);
    if (last !== undefined && last.sourceTimeMs > reading.sourceTimeMs) return false;
    const startMs = Math.min(this.#startMs, reading.sourceTimeMs);
    const endMs = Math.max(this.#endMs, reading.sourceTimeMs);
    const bytes = this.#bytes + bytesOf(reading, last === undefined);
    const offsetBytes = (this.#readings.length + 1) * digitsOf(endMs - startMs);
    if (this.#envelopeBytes + bytes + offsetBytes > maxBytes) return false;
    this.#bytes = bytes;
    this.#startMs = startMs;
    this.#endMs = endMs;
    this.#readings.push(reading);
    this.#last.set(id, reading);
    return true;
  }

  close(device: DevicePlan): TwinMessage {
    const { twin, model } = device;
    const values: Record<string, TimedValue[]> = {};
    for (const reading of this.#readings) {
      const { name } = reading.point;
      const before = values[name];
      if (before === undefined) values[name] = [this.#timed(reading)];
      else before.push(this.#timed(reading));
    }
    return { twin, ...(model === undefined ? {} : { model }), kind: this.kind, startTimeMs: this.#startMs, values };
  }

  #timed({ sourceTimeMs, value, quality, status }: Reading): TimedValue {
    const offsetMs = sourceTimeMs - this.#startMs;
    return quality === 'good' ? [offsetMs, value] : [offsetMs, value, quality, status ?? FALLBACK_STATUS[quality]];
  }
}

/** Without the digits of the offset, which depend on the whole message. */
function bytesOf({ point, value, quality, status = '' }: Reading, isFirst: boolean): number {
  const name = isFirst ? point.name.length + NAME_BYTES : 0;
  return name + VALUE_BYTES + valueBytes(value) + (quality === 'good' ? 0 : QUALITY_BYTES + status.length);
}

/** Of a whole number of milliseconds. */
function digitsOf(ms: number): number {
  return String(ms).length;
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
