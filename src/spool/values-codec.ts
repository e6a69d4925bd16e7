import { isDecimal } from '../model/decimal.ts';
import type { Quality } from '../model/quality.ts';
import type { TimedValue, TwinMessage } from '../model/twin-message.ts';
import { isArray, isCompound, type Value } from '../model/value.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';

/**
 * The values of a message in bytes; numbers as byte-writer.ts writes them. Most values take two or three bytes, and none is rounded.
 *
 *   values  JSON list of the names of the points, as text; then for each of them how many values, varint; and these:
 *   value   tag, 1 byte: the type, | 0x40 where the time is a double, | 0x80 where a quality follows
 *           time: milliseconds after that of the value before it of this point, zigzag; or after the start of the message, float64
 *           value, by its type
 *           quality, 1 byte, its place in QUALITIES; status, text
 */
const NULL = 0;
const FALSE = 1;
const TRUE = 2;
/** Zigzag. */
const INTEGER = 3;
/** Zigzag of the value times 10, 100, 1 000. */
const TENTHS = 4;
const HUNDREDTHS = 5;
const THOUSANDTHS = 6;
const FLOAT32 = 7;
const FLOAT64 = 8;
const TEXT = 9;
/** Its decimal digits, as text. */
const BIGINT = 10;
/** JSON, as text: see `tag`. */
const COMPOUND = 11;

const TYPE_BITS = 0x3f;
const TIME_IS_DOUBLE = 0x40;
const HAS_QUALITY = 0x80;
const QUALITIES: readonly Quality[] = ['good', 'uncertain', 'bad'];

type Values = TwinMessage['values'];

/** What was seen on the way. */
export interface ValueFacts {
  readonly readings: number;
  /** Of the latest value, milliseconds after the start of the message. */
  readonly lastMs: number;
}

/** `nameBytes`: the names of the points as JSON, in the order of the values. */
export function writeValues(values: Values, nameBytes: Buffer, writer: ByteWriter): ValueFacts {
  let readings = 0;
  let lastMs = 0;
  writer.block(nameBytes);
  for (const list of Object.values(values)) {
    writer.varint(list.length);
    readings += list.length;
    let beforeMs = 0;
    for (let at = 0; at < list.length; at += 1) beforeMs = writeTimed(list[at] as TimedValue, beforeMs, writer);
    if (beforeMs > lastMs) lastMs = beforeMs;
  }
  return { readings, lastMs };
}

export function readValues(names: readonly string[], reader: ByteReader): Values {
  const values: Record<string, TimedValue[]> = {};
  for (const name of names) {
    values[name] = readList(reader);
  }
  return values;
}

/** Mostly of one value, which is given no room for more. */
function readList(reader: ByteReader): TimedValue[] {
  const count = reader.varint();
  if (count === 0) return [];
  let timed = readTimed(0, reader);
  const list = [timed];
  while (list.length < count) {
    timed = readTimed(timed[0], reader);
    list.push(timed);
  }
  return list;
}

/** Returns the time. By index: taking the parts out by a pattern costs more than writing them. */
function writeTimed(timed: TimedValue, beforeMs: number, writer: ByteWriter): number {
  const timeMs = timed[0];
  const value = timed[1];
  const stepMs = timeMs - beforeMs;
  const isStep = stepMs === (stepMs | 0) && beforeMs + stepMs === timeMs;
  const flags = (isStep ? 0 : TIME_IS_DOUBLE) | (timed.length === 4 ? HAS_QUALITY : 0);
  const type = typeof value === 'number' ? numberType(value) : typeOf(value);
  writer.byte(type | flags);
  if (isStep) writer.zigzag(stepMs);
  else writer.float64(timeMs);
  if (typeof value === 'number') writeNumber(type, value, writer);
  else if (type >= TEXT) writer.text(textOf(value));
  if (timed.length === 4) {
    writer.byte(QUALITIES.indexOf(timed[2]));
    writer.text(timed[3]);
  }
  return timeMs;
}

function readTimed(beforeMs: number, reader: ByteReader): TimedValue {
  const tagByte = reader.byte();
  const timeMs = (tagByte & TIME_IS_DOUBLE) === 0 ? beforeMs + reader.zigzag() : reader.float64();
  const value = readValue(tagByte & TYPE_BITS, reader);
  if ((tagByte & HAS_QUALITY) === 0) return [timeMs, value];
  const quality = QUALITIES[reader.byte()];
  if (quality === undefined) throw new RangeError('a quality that does not exist');
  return [timeMs, value, quality, reader.text()];
}

function typeOf(value: Exclude<Value, number> | null): number {
  if (value === null) return NULL;
  if (typeof value === 'boolean') return value ? TRUE : FALSE;
  if (typeof value === 'string') return TEXT;
  return typeof value === 'bigint' ? BIGINT : COMPOUND;
}

/** The shortest that gives the same number back. */
function numberType(value: number): number {
  if (value === (value | 0) && !Object.is(value, -0)) return INTEGER;
  if (isDecimal(value, 10)) return TENTHS;
  if (isDecimal(value, 100)) return HUNDREDTHS;
  if (Math.fround(value) === value) return FLOAT32;
  return isDecimal(value, 1_000) ? THOUSANDTHS : FLOAT64;
}

function writeNumber(type: number, value: number, writer: ByteWriter): void {
  if (type === INTEGER) writer.zigzag(value);
  else if (type === FLOAT64) writer.float64(value);
  else if (type === FLOAT32) writer.float32(value);
  else writer.zigzag(Math.round(value * partsOf(type)));
}

function partsOf(type: number): number {
  if (type === TENTHS) return 10;
  return type === HUNDREDTHS ? 100 : 1_000;
}

function readValue(type: number, reader: ByteReader): Value | null {
  switch (type) {
    case NULL:
      return null;
    case FALSE:
    case TRUE:
      return type === TRUE;
    case INTEGER:
      return reader.zigzag();
    case TENTHS:
    case HUNDREDTHS:
    case THOUSANDTHS:
      return reader.zigzag() / partsOf(type);
    case FLOAT32:
      return reader.float32();
    case FLOAT64:
      return reader.float64();
    case TEXT:
      return reader.text();
    case BIGINT:
      return BigInt(reader.text());
    case COMPOUND:
      return untag(JSON.parse(reader.text()));
    default:
      throw new RangeError(`a value of an unknown type ${type}`);
  }
}

function textOf(value: Exclude<Value, number> | null): string {
  return isCompound(value) ? JSON.stringify(tag(value)) : String(value);
}

/**
 * JSON has no big integers: `5n` is written as `{"$bigint":"5"}`. The names of a structure that begin with `$` are written with
 * one more, so that nothing else can be mistaken for it.
 */
function tag(value: Value | null): unknown {
  if (!isCompound(value)) return typeof value === 'bigint' ? { $bigint: value.toString() } : value;
  if (isArray(value)) return value.map(tag);
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name.startsWith('$') ? `$${name}` : name, tag(part)]));
}

export function untag(value: unknown): Value | null {
  if (typeof value !== 'object' || value === null) return value as Value | null;
  if (Array.isArray(value)) return value.map(untag);
  if ('$bigint' in value) return BigInt(String(value.$bigint));
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name.startsWith('$') ? name.slice(1) : name, untag(part)]),
  );
}
