import type { Value } from '../../../src/model/value.ts';
import type { DateTimeFormat } from '../mapping/date-time-format.ts';
import { type TimeZone, toUtcMs, toWallTime } from '../mapping/time-zone.ts';
import { ABSENT, type Codec, NoValue, outOfRange, UNDECODABLE, wrongType } from './codec.ts';

/** Date-times of bytes with the most significant first, as ISO 8601 UTC text. */
interface Clock {
  /** What the clock shows, as if it were UTC. */
  read(bytes: Buffer): number | NoValue;
  /** `undefined`: it does not fit. */
  write(shownMs: number): Buffer | undefined;
}

/** What a date can be, with room for any time zone. */
const MAX_MS = 8.64e15 - 2 * 86_400_000;

export function dateTimeCodec({ read, write }: Clock, zone: TimeZone): Codec {
  return {
    decode: (bytes) => {
      const shownMs = read(bytes);
      if (shownMs instanceof NoValue) return shownMs;
      return Math.abs(shownMs) > MAX_MS ? UNDECODABLE : new Date(zone.toUtc(shownMs)).toISOString();
    },
    encode: (value, subject) => {
      const registers = write(zone.toShown(parse(value, subject)));
      if (registers === undefined) throw outOfRange(value, 'the registers of this date-time', subject);
      return { registers };
    },
  };
}

function parse(value: Value, subject: string): number {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(ms)) throw wrongType('an ISO 8601 time', value, subject);
  return ms;
}

/** Seconds or milliseconds since 1970 in so many registers, without sign. */
export function epochClock(msPerCount: 1 | 1_000, registers: number): Clock {
  return {
    read: (bytes) => Number(BigInt(`0x${bytes.toString('hex')}`)) * msPerCount,
    write: (shownMs) => {
      const count = Math.floor(shownMs / msPerCount);
      if (count < 0 || count >= 2 ** (16 * registers)) return undefined;
      return Buffer.from(count.toString(16).padStart(4 * registers, '0'), 'hex');
    },
  };
}

export function formattedClock({ read, write }: DateTimeFormat): Clock {
  return { read: (bytes) => read(bytes) ?? UNDECODABLE, write };
}

const INVALID = 0x80;
const CENTURY = 2_000;

/**
 * CP56Time2a (IEC 60870-5-4) in four registers: with the most significant first a reserved byte, year, month, day with day of the
 * week, hour, minute with the bit for "invalid", milliseconds of the minute. Its seven bytes as IEC 60870-5-104 sends them are
 * the same in the order DCBA.
 */
export const cp56Clock: Clock = {
  read: (bytes) => {
    const at = (index: number, mask: number) => bytes.readUInt8(index) & mask;
    if (at(5, INVALID) !== 0) return ABSENT;
    const rest = bytes.readUInt16BE(6);
    const time = {
      year: CENTURY + at(1, 0x7f),
      month: at(2, 0x0f),
      day: at(3, 0x1f),
      hour: at(4, 0x1f),
      minute: at(5, 0x3f),
      second: Math.floor(rest / 1_000),
      millisecond: rest % 1_000,
    };
    return toUtcMs(time) ?? UNDECODABLE;
  },
  write: (shownMs) => {
    const { year, month, day, hour, minute, second, millisecond } = toWallTime(shownMs);
    if (year < CENTURY || year > CENTURY + 99) return undefined;
    // Monday is 1, Sunday 7.
    const weekday = ((new Date(shownMs).getUTCDay() + 6) % 7) + 1;
    const bytes = Buffer.of(0, year - CENTURY, month, (weekday << 5) | day, hour, minute, 0, 0);
    bytes.writeUInt16BE(1_000 * second + millisecond, 6);
    return bytes;
  },
};
