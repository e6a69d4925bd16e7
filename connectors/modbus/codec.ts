import type { DataType } from '../../src/model/data-type.ts';
import { GatewayError } from '../../src/model/error.ts';
import { shortestFloat32 } from '../../src/model/float32.ts';
import type { Value } from '../../src/model/value.ts';
import type { Layout } from './layout.ts';

/**
 * Registers to values and back. The wire carries each register with its high byte first (Modbus Application Protocol 1.1b3,
 * section 4.2); how a value is spread over registers is the device's own matter: with A the most significant byte, `wordOrder`
 * and `byteOrder` give ABCD (both big-endian), CDAB (words little-endian), BADC (bytes little-endian) and DCBA (both).
 */
type NumberType = Exclude<DataType, 'boolean' | 'string' | 'bytes' | 'dateTime' | 'guid'>;

const READERS: Readonly<Record<NumberType, (bytes: Buffer) => number | bigint>> = {
  int8: (bytes) => bytes.readInt8(1),
  uint8: (bytes) => bytes.readUInt8(1),
  int16: (bytes) => bytes.readInt16BE(),
  uint16: (bytes) => bytes.readUInt16BE(),
  int32: (bytes) => bytes.readInt32BE(),
  uint32: (bytes) => bytes.readUInt32BE(),
  int64: (bytes) => bytes.readBigInt64BE(),
  uint64: (bytes) => bytes.readBigUInt64BE(),
  float32: (bytes) => shortestFloat32(bytes.readFloatBE()),
  float64: (bytes) => bytes.readDoubleBE(),
};

/** `registers` as on the wire, exactly those of the value. NaN and the infinities stay numbers. */
export function decodeValue(registers: Buffer, layout: Layout): Value {
  if (layout.bit !== undefined) return ((registers.readUInt16BE() >> layout.bit) & 1) === 1;
  if (layout.type === 'boolean') return registers.readUInt16BE() !== 0;
  const bytes = arrange(registers, layout);
  if (layout.type === 'string') return decodeText(bytes);
  if (layout.type === 'bytes') return bytes.toString('base64');
  return READERS[numberType(layout.type)](bytes);
}

/** The registers to write, as on the wire. Rejects what does not fit with VALUE_TYPE or VALUE_OUT_OF_RANGE. */
export function encodeValue(value: Value, layout: Layout, subject: string): Buffer {
  if (layout.type === 'string' || layout.type === 'bytes') return arrange(encodeText(value, layout, subject), layout);
  const type = numberType(layout.type);
  if (type === 'float32' || type === 'float64') return arrange(encodeFloat(value, type, subject), layout);
  return arrange(encodeInteger(toInteger(value, subject), type, layout.size, subject), layout);
}

/** Register `current` with one bit changed. */
export function withBit(current: number, bit: number, isSet: boolean): number {
  return isSet ? current | (1 << bit) : current & ~(1 << bit);
}

export function toBoolean(value: Value, subject: string): boolean {
  if (typeof value === 'boolean') return value;
  if (value === 1 || value === 0 || value === 1n || value === 0n) return Boolean(value);
  throw new GatewayError('VALUE_TYPE', subject, `expected true or false, got ${describe(value)}`);
}

/** Its own inverse: words and bytes are reversed or not. The order of words has no meaning for text. */
function arrange(bytes: Buffer, { type, wordOrder, byteOrder }: Layout): Buffer {
  const reversesWords = wordOrder === 'little-endian' && type !== 'string' && type !== 'bytes';
  if (!reversesWords && byteOrder === 'big-endian') return bytes;
  const arranged = Buffer.from(bytes);
  if (reversesWords) arranged.reverse().swap16();
  return byteOrder === 'little-endian' ? arranged.swap16() : arranged;
}

function numberType(type: DataType): NumberType {
  if (Object.hasOwn(READERS, type)) return type as NumberType;
  throw new GatewayError('BUG', type, `Modbus has no ${type}; the check must have told`);
}

/** To the first NUL, without trailing blanks; what is not UTF-8 becomes the replacement character. */
function decodeText(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end).trimEnd();
}

function encodeText(value: Value, { type, size }: Layout, subject: string): Buffer {
  if (typeof value !== 'string') throw new GatewayError('VALUE_TYPE', subject, `expected text, got ${describe(value)}`);
  const text = Buffer.from(value, type === 'bytes' ? 'base64' : 'utf8');
  if (text.length > 2 * size) {
    throw new GatewayError('VALUE_OUT_OF_RANGE', subject, `${text.length} bytes do not fit into ${size} registers`);
  }
  return Buffer.concat([text], 2 * size);
}

function encodeFloat(value: Value, type: 'float32' | 'float64', subject: string): Buffer {
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number') throw new GatewayError('VALUE_TYPE', subject, `expected a number, got ${describe(value)}`);
  const bytes = Buffer.alloc(type === 'float32' ? 4 : 8);
  const stored = type === 'float32' ? Math.fround(number) : number;
  if (!Number.isFinite(stored)) throw outOfRange(number, type, subject);
  if (type === 'float32') bytes.writeFloatBE(stored);
  else bytes.writeDoubleBE(stored);
  return bytes;
}

/** What scaling leaves of a whole number, e.g. 20.3 / 0.1 = 203.00000000000003, is whole; 20.5 is not. */
const WHOLE_WITHIN = 1e-9;

function toInteger(value: Value, subject: string): bigint {
  if (typeof value === 'bigint') return value;
  const rounded = typeof value === 'number' ? Math.round(value) : Number.NaN;
  if (typeof value === 'number' && Math.abs(value - rounded) <= WHOLE_WITHIN * Math.max(1, Math.abs(value)))
    return BigInt(rounded);
  throw new GatewayError('VALUE_TYPE', subject, `expected a whole number, got ${describe(value)}`);
}

function encodeInteger(value: bigint, type: NumberType, size: number, subject: string): Buffer {
  const isSigned = type.startsWith('int');
  const bits = Number(/\d+$/.exec(type)?.[0]);
  if ((isSigned ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value)) !== value) throw outOfRange(value, type, subject);
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, value));
  return bytes.subarray(8 - 2 * size);
}

function outOfRange(value: number | bigint, type: DataType, subject: string): GatewayError {
  return new GatewayError('VALUE_OUT_OF_RANGE', subject, `${value} does not fit into ${type}`);
}

function describe(value: Value): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
