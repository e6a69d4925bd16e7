import { GatewayError } from '../../../src/model/error.ts';
import { isArray, isCompound, type Scalar, type Value } from '../../../src/model/value.ts';
import type { ModbusPoint } from '../mapping/point-settings.ts';
import {
  ABSENT,
  type Codec,
  type Encoded,
  type FastDecoder,
  NoValue,
  outOfRange,
  toBoolean,
  UNDECODABLE,
  wrongType,
} from './codec.ts';
import { toWhole } from './number-codec.ts';
import { arrange } from './registers.ts';

/** What is put around the codec of one value, each with one job. */

export function inOrder(codec: Codec, orders: Pick<ModbusPoint, 'wordOrder' | 'byteOrder'>): Codec {
  if (orders.wordOrder === 'big-endian' && orders.byteOrder === 'big-endian') return codec;
  return {
    decode: (registers) => codec.decode(arrange(registers, orders)),
    ...(codec.fast === undefined ? {} : { fast: arrangedFast(codec.fast, orders) }),
    encode: (value, subject) => {
      const { registers, mask } = codec.encode(value, subject);
      return { registers: arrange(registers, orders), ...(mask === undefined ? {} : { mask: arrange(mask, orders) }) };
    },
  };
}

/** The bytes of one value, in the order of the codec. */
const ARRANGED = Buffer.alloc(8);

/** Where each byte comes from is what the order makes of 0, 1, 2 …. */
function arrangedFast({ bytes, decodeAt }: FastDecoder, orders: Pick<ModbusPoint, 'wordOrder' | 'byteOrder'>): FastDecoder {
  const from = arrange(Buffer.from([...Array(bytes).keys()]), orders);
  return {
    bytes,
    decodeAt: (answer, at) => {
      for (let index = 0; index < bytes; index += 1) ARRANGED[index] = answer[at + (from[index] ?? 0)] ?? 0;
      return decodeAt(ARRANGED, 0);
    },
  };
}

export interface Absent {
  /** All bits, as hexadecimal digits. */
  readonly patterns: ReadonlySet<string>;
  readonly values: ReadonlySet<Scalar>;
}

/** Bits or values that say that the device has no value. */
export function unlessAbsent(codec: Codec, { patterns, values }: Absent): Codec {
  return {
    decode: (bytes) => {
      if (patterns.has(bytes.toString('hex'))) return ABSENT;
      const value = codec.decode(bytes);
      return values.has(value as Scalar) ? ABSENT : value;
    },
    encode: codec.encode,
  };
}

/** Lowest and highest bit. */
export type BitRun = readonly [low: number, high: number];

/** Beyond it a number of JavaScript is not exact. */
const EXACT_BITS = 53;

/** One bit as a boolean, or a run of bits as a number. Writing leaves the other bits of its registers alone. */
export function bitsCodec(bits: number | BitRun, size: number): Codec {
  const [low, high] = typeof bits === 'number' ? [bits, bits] : bits;
  const width = high - low + 1;
  return {
    decode: (bytes) => {
      const run = BigInt.asUintN(width, toBits(bytes) >> BigInt(low));
      if (typeof bits === 'number') return run === 1n;
      return width > EXACT_BITS ? run : Number(run);
    },
    encode: (value, subject) => {
      const number = typeof bits === 'number' ? BigInt(toBoolean(value, subject)) : toWhole(value, subject);
      if (BigInt.asUintN(width, number) !== number) throw outOfRange(number, `${width} bits`, subject);
      const all = (1n << BigInt(width)) - 1n;
      return { registers: toBytes(number << BigInt(low), size), mask: toBytes(all << BigInt(low), size) };
    },
  };
}

function toBits(bytes: Buffer): bigint {
  return bytes.length === 2 ? BigInt(bytes.readUInt16BE()) : BigInt(`0x${bytes.toString('hex')}`);
}

function toBytes(bits: bigint, size: number): Buffer {
  return Buffer.from(bits.toString(16).padStart(4 * size, '0'), 'hex');
}

/** Parts of a status word by name; a write of some leaves the others alone. */
export function fieldsCodec(fields: Readonly<Record<string, number | BitRun>>, size: number): Codec {
  const codecs = new Map(Object.entries(fields).map(([name, bits]) => [name, bitsCodec(bits, size)]));
  return {
    decode: (bytes) => Object.fromEntries([...codecs].map(([name, { decode }]) => [name, decode(bytes) as Value])),
    encode: (value, subject) => {
      const known = `an object of ${[...codecs.keys()].join(', ')}`;
      if (!isCompound(value) || isArray(value)) throw wrongType(known, value, subject);
      const parts = Object.entries(value).map(([name, part]) => {
        const codec = codecs.get(name);
        if (codec === undefined || part === null) throw wrongType(known, value, subject);
        return codec.encode(part, `${subject}.${name}`);
      });
      if (parts.length === 0) throw wrongType(known, value, subject);
      return mergeParts(parts, size);
    },
  };
}

function mergeParts(parts: readonly Encoded[], size: number): Encoded {
  const [registers, mask] = [Buffer.alloc(2 * size), Buffer.alloc(2 * size)];
  for (const part of parts) {
    for (let at = 0; at < 2 * size; at += 1) {
      registers[at] = (registers[at] ?? 0) | (part.registers[at] ?? 0);
      mask[at] = (mask[at] ?? 0) | (part.mask?.[at] ?? 0xff);
    }
  }
  return { registers, mask };
}

/** Values side by side. One that is none is `null` among the others. */
export function arrayCodec(codec: Codec, size: number, count: number): Codec {
  return {
    decode: (registers) =>
      Array.from({ length: count }, (_, index) => {
        const value = codec.decode(registers.subarray(2 * size * index, 2 * size * (index + 1)));
        return value instanceof NoValue ? null : value;
      }),
    encode: (value, subject) => {
      if (!isArray(value) || value.length !== count) throw wrongType(`an array of ${count} values`, value, subject);
      return { registers: Buffer.concat(value.map((one, index) => encodeElement(codec, one, `${subject}[${index}]`))) };
    },
  };
}

function encodeElement(codec: Codec, value: Value | null, subject: string): Buffer {
  if (value === null) throw wrongType('a value', 'null', subject);
  return codec.encode(value, subject).registers;
}

export interface ScaledPlace {
  /** Registers of the number. */
  readonly size: number;
  /** First register of the number and the register of the exponent, among those that are read. */
  readonly valueAt: number;
  readonly exponentAt: number;
  readonly byteOrder: ModbusPoint['byteOrder'];
}

const NO_EXPONENT = -0x8000;
/** SunSpec has −10 to 10. */
const MAX_EXPONENT = 18;

/** A whole number with its power of ten in another register. */
export function withExponent(codec: Codec, { size, valueAt, exponentAt, byteOrder }: ScaledPlace): Codec {
  return {
    decode: (registers) => {
      const number = codec.decode(registers.subarray(2 * valueAt, 2 * (valueAt + size)));
      const exponent = readExponent(registers, exponentAt, byteOrder);
      if (number instanceof NoValue) return number;
      if (exponent === NO_EXPONENT) return ABSENT;
      if (Math.abs(exponent) > MAX_EXPONENT) return UNDECODABLE;
      // Through text: 23 × 10^-1 is 2.3, where a multiplication gives 2.3000000000000003.
      return Number(`${String(number)}e${exponent}`);
    },
    encode: codec.encode,
  };
}

function readExponent(registers: Buffer, at: number, byteOrder: ModbusPoint['byteOrder']): number {
  return byteOrder === 'big-endian' ? registers.readInt16BE(2 * at) : registers.readInt16LE(2 * at);
}

/** The number that is to be written beside an exponent for a value; the codec judges whether it is whole. */
export function beside(register: Buffer, byteOrder: ModbusPoint['byteOrder'], value: Value, subject: string): Value {
  const exponent = readExponent(register, 0, byteOrder);
  if (Math.abs(exponent) > MAX_EXPONENT)
    throw new GatewayError('COMMAND_FAILED', subject, `not written: the device shows ${exponent} as exponent of the value`);
  if (exponent === 0 || (typeof value !== 'number' && typeof value !== 'bigint')) return value;
  const [digits, power = '0'] = String(value).split('e');
  return Number(`${digits}e${Number(power) - exponent}`);
}
