import type { DataType } from '../../../src/model/data-type.ts';
import { shortestFloat32 } from '../../../src/model/float32.ts';
import type { Value } from '../../../src/model/value.ts';
import { type Codec, type Encoded, type FastDecoder, outOfRange, UNDECODABLE, wrongType } from './codec.ts';
import { shortestFloat16 } from './float16.ts';

/** Registers of each number; the byte types are half of one. */
export const NUMBER_REGISTERS = {
  int8: 1,
  uint8: 1,
  int16: 1,
  uint16: 1,
  int32: 2,
  uint32: 2,
  int48: 3,
  uint48: 3,
  int64: 4,
  uint64: 4,
  float16: 1,
  float32: 2,
  float64: 4,
} as const satisfies Partial<Record<DataType, number>>;

export type NumberType = keyof typeof NUMBER_REGISTERS;
export type FloatType = 'float16' | 'float32' | 'float64';
export type IntegerType = Exclude<NumberType, FloatType>;
/** How a whole number lies in its registers. */
export type IntegerEncoding = 'binary' | 'bcd' | 'modulo-10000' | 'sign-magnitude';

export function isNumberType(type: DataType): type is NumberType {
  return Object.hasOwn(NUMBER_REGISTERS, type);
}

export function isFloatType(type: DataType): type is FloatType {
  return type === 'float16' || type === 'float32' || type === 'float64';
}

/** Of bytes with the most significant first. */
export function numberCodec(type: NumberType, encoding: IntegerEncoding): Codec {
  if (isFloatType(type)) return floatCodec(type);
  return encoding === 'binary' ? binaryCodec(type) : digitsCodec(type, encoding);
}

const READERS: Readonly<Record<NumberType, (bytes: Buffer) => number | bigint>> = {
  int8: (bytes) => bytes.readInt8(1),
  uint8: (bytes) => bytes.readUInt8(1),
  int16: (bytes) => bytes.readInt16BE(),
  uint16: (bytes) => bytes.readUInt16BE(),
  int32: (bytes) => bytes.readInt32BE(),
  uint32: (bytes) => bytes.readUInt32BE(),
  int48: (bytes) => bytes.readIntBE(0, 6),
  uint48: (bytes) => bytes.readUIntBE(0, 6),
  int64: (bytes) => bytes.readBigInt64BE(),
  uint64: (bytes) => bytes.readBigUInt64BE(),
  float16: (bytes) => shortestFloat16(viewOf(bytes).getFloat16(0)),
  float32: (bytes) => shortestFloat32(bytes.readFloatBE()),
  float64: (bytes) => bytes.readDoubleBE(),
};

/** The same out of the middle of an answer, for the types that most points have. */
const FAST: Partial<Record<NumberType, FastDecoder>> = {
  int16: { bytes: 2, decodeAt: (answer, at) => answer.readInt16BE(at) },
  uint16: { bytes: 2, decodeAt: (answer, at) => answer.readUInt16BE(at) },
  int32: { bytes: 4, decodeAt: (answer, at) => answer.readInt32BE(at) },
  uint32: { bytes: 4, decodeAt: (answer, at) => answer.readUInt32BE(at) },
  float32: { bytes: 4, decodeAt: (answer, at) => shortestFloat32(answer.readFloatBE(at)) },
  float64: { bytes: 8, decodeAt: (answer, at) => answer.readDoubleBE(at) },
};

function fastOf(type: NumberType): Pick<Codec, 'fast'> {
  const fast = FAST[type];
  return fast === undefined ? {} : { fast };
}

function viewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

const ROUND: Readonly<Record<FloatType, (value: number) => number>> = {
  float16: Math.f16round,
  float32: Math.fround,
  float64: (value) => value,
};

function floatCodec(type: FloatType): Codec {
  const size = NUMBER_REGISTERS[type];
  return {
    decode: READERS[type],
    ...fastOf(type),
    encode: (value, subject) => {
      const number = typeof value === 'bigint' ? Number(value) : value;
      if (typeof number !== 'number') throw wrongType('a number', value, subject);
      const stored = ROUND[type](number);
      if (!Number.isFinite(stored)) throw outOfRange(number, type, subject);
      const registers = Buffer.alloc(2 * size);
      const view = viewOf(registers);
      if (type === 'float16') view.setFloat16(0, stored);
      else if (type === 'float32') view.setFloat32(0, stored);
      else view.setFloat64(0, stored);
      return { registers };
    },
  };
}

/** The low half of a register that is half a value; the other half is not touched. */
const LOW_BYTE = Buffer.of(0x00, 0xff);

function binaryCodec(type: IntegerType): Codec {
  const bits = bitsOf(type);
  const wrap = isSigned(type) ? BigInt.asIntN : BigInt.asUintN;
  return {
    decode: READERS[type],
    ...fastOf(type),
    encode: (value, subject) => {
      const number = toWhole(value, subject);
      if (wrap(bits, number) !== number) throw outOfRange(number, type, subject);
      const registers = putNumber(BigInt.asUintN(bits, number), NUMBER_REGISTERS[type]);
      return bits === 8 ? { registers, mask: LOW_BYTE } : { registers };
    },
  };
}

function putNumber(number: bigint, registers: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(number);
  return bytes.subarray(8 - 2 * registers);
}

interface Digits {
  /** `undefined`: no such number. */
  read(bytes: Buffer): bigint | undefined;
  /** `undefined`: too large. */
  write(number: bigint, size: number): Buffer | undefined;
}

const DIGITS: Readonly<Record<Exclude<IntegerEncoding, 'binary'>, Digits>> = {
  bcd: {
    read: (bytes) => {
      const text = bytes.toString('hex');
      return /^\d+$/.test(text) ? BigInt(text) : undefined;
    },
    write: (number, size) => {
      const text = String(number).padStart(4 * size, '0');
      return /^\d+$/.test(text) && text.length === 4 * size ? Buffer.from(text, 'hex') : undefined;
    },
  },
  'modulo-10000': {
    read: (bytes) => {
      let sum = 0n;
      for (let at = 0; at < bytes.length; at += 2) {
        const part = bytes.readUInt16BE(at);
        if (part > 9_999) return undefined;
        sum = sum * 10_000n + BigInt(part);
      }
      return sum;
    },
    write: (number, size) => {
      const registers = Buffer.alloc(2 * size);
      let rest = number;
      for (let at = 2 * size - 2; at >= 0; at -= 2) {
        registers.writeUInt16BE(Number(BigInt.asUintN(16, rest % 10_000n)), at);
        rest /= 10_000n;
      }
      return rest === 0n && number >= 0n ? registers : undefined;
    },
  },
  'sign-magnitude': {
    read: (bytes) => {
      const raw = BigInt(`0x${bytes.toString('hex')}`);
      const sign = 1n << BigInt(8 * bytes.length - 1);
      return raw >= sign ? sign - raw : raw;
    },
    write: (number, size) => {
      const sign = 1n << BigInt(16 * size - 1);
      const magnitude = number < 0n ? -number : number;
      return magnitude < sign ? putNumber(number < 0n ? sign + magnitude : magnitude, size) : undefined;
    },
  },
};

function digitsCodec(type: IntegerType, encoding: Exclude<IntegerEncoding, 'binary'>): Codec {
  const { read, write } = DIGITS[encoding];
  const size = NUMBER_REGISTERS[type];
  const isWide = size === 4;
  return {
    decode: (bytes) => {
      const number = read(bytes);
      if (number === undefined) return UNDECODABLE;
      return isWide ? number : Number(number);
    },
    encode: (value, subject): Encoded => {
      const number = toWhole(value, subject);
      const registers = write(number, size);
      if (registers === undefined) throw outOfRange(number, `${size} registers of ${encoding}`, subject);
      return { registers };
    },
  };
}

export function isSigned(type: IntegerType): boolean {
  return type.startsWith('int');
}

export function bitsOf(type: NumberType): number {
  return Number(/\d+$/.exec(type)?.[0]);
}

/** What scaling leaves of a whole number, e.g. 20.3 / 0.1 = 203.00000000000003, is whole; 20.5 is not. */
const WHOLE_WITHIN = 1e-9;

export function toWhole(value: Value, subject: string): bigint {
  if (typeof value === 'bigint') return value;
  const rounded = typeof value === 'number' ? Math.round(value) : Number.NaN;
  if (typeof value === 'number' && Math.abs(value - rounded) <= WHOLE_WITHIN * Math.max(1, Math.abs(value)))
    return BigInt(rounded);
  throw wrongType('a whole number', value, subject);
}
