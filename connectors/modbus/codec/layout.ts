import type { DataType } from '../../../src/model/data-type.ts';
import type { Scalar } from '../../../src/model/value.ts';
import { isBitTable, type ModbusAddress, wireAddress } from '../mapping/address.ts';
import { parseDateTimeFormat } from '../mapping/date-time-format.ts';
import type { RegisterPoint } from '../mapping/plan.ts';
import type { ModbusPoint } from '../mapping/point-settings.ts';
import { timeZone } from '../mapping/time-zone.ts';
import type { Codec } from './codec.ts';
import {
  type Absent,
  arrayCodec,
  type BitRun,
  bitsCodec,
  fieldsCodec,
  inOrder,
  unlessAbsent,
  withExponent,
} from './codec-parts.ts';
import { cp56Clock, dateTimeCodec, epochClock, formattedClock } from './date-time-codec.ts';
import {
  bitsOf,
  type IntegerEncoding,
  isFloatType,
  isNumberType,
  isSigned,
  NUMBER_REGISTERS,
  type NumberType,
  numberCodec,
} from './number-codec.ts';
import { bytesCodec, type TextEncoding, textCodec } from './text-codec.ts';

/** How a value lies in the registers or bits that are read for it. */
export interface Layout {
  /** Of the value, or of each element of an array. */
  readonly type: DataType;
  /** Registers, or coils or discrete inputs, that are read in one request. */
  readonly size: number;
  /** Where in them the value itself lies: all, unless an exponent lies beside it. */
  readonly valueAt: number;
  readonly valueSize: number;
  /** Where in them the exponent lies that is read with the value. */
  readonly exponentAt?: number;
  /** Elements of an array. */
  readonly count?: number;
  /** The bits of its register that are the value. */
  readonly bits?: number | BitRun;
  /** A write must leave bits of the registers alone. */
  readonly isPart: boolean;
  /** Not used for coils and discrete inputs. */
  readonly codec: Codec;
}

/** What a point is where `type` is not written; `undefined` where it must be. */
export function typeOf({ type, address: { address, fields } }: RegisterPoint): DataType | undefined {
  if (type !== undefined) return type;
  if (isBitTable(address.table) || address.bit !== undefined) return 'boolean';
  return address.bits !== undefined || fields !== undefined ? 'uint16' : undefined;
}

/** Registers (or bits) of one value; `undefined` where its keys do not tell. */
export function elementSize(point: RegisterPoint): number | undefined {
  const type = typeOf(point);
  const { length, encoding, format } = point.address;
  if (type === undefined) return undefined;
  if (type === 'boolean') return 1;
  if (isNumberType(type)) return NUMBER_REGISTERS[type];
  if (type !== 'dateTime') return length;
  if (format !== undefined) return parseDateTimeFormat(format, encoding === 'bcd')?.registers;
  return encoding === 'epoch-seconds' ? (length ?? EPOCH_REGISTERS) : DATE_TIME_REGISTERS;
}

const EPOCH_REGISTERS = 2;
const DATE_TIME_REGISTERS = 4;

/** Registers (or bits) that are read for a point; `undefined` where its keys do not tell. */
export function sizeOf(point: RegisterPoint, addressBase: number): number | undefined {
  const size = elementSize(point);
  if (size === undefined) return undefined;
  const { valueAt, exponentAt } = placesOf(point.address, addressBase);
  return Math.max(valueAt + size * (point.address.count ?? 1), exponentAt + 1);
}

/** Instances of one mapping have the keys of their points in common, and so what follows from them. */
const layouts = new WeakMap<ModbusPoint, Map<string, Layout>>();

/** Only for points that `check` has let through. */
export function layoutOf(point: RegisterPoint, addressBase: number): Layout {
  const known = layouts.get(point.address) ?? new Map<string, Layout>();
  layouts.set(point.address, known);
  const key = `${point.type} ${addressBase}`;
  const layout = known.get(key) ?? makeLayout(point, addressBase);
  known.set(key, layout);
  return layout;
}

function makeLayout(point: RegisterPoint, addressBase: number): Layout {
  const { address, count, exponent, fields, byteOrder } = point.address;
  const type = typeOf(point) ?? 'uint16';
  const size = elementSize(point) ?? 1;
  const { valueAt, exponentAt } = placesOf(point.address, addressBase);
  const element = elementCodec(point, type, size);
  const codec = count === undefined ? element : arrayCodec(element, size, count);
  const bits = address.bit ?? address.bits;
  return {
    type,
    size: sizeOf(point, addressBase) ?? size,
    valueAt,
    valueSize: size * (count ?? 1),
    isPart: bits !== undefined || fields !== undefined || type === 'int8' || type === 'uint8',
    codec: exponent === undefined ? codec : withExponent(codec, { size, valueAt, exponentAt, byteOrder }),
    ...(exponent === undefined ? {} : { exponentAt }),
    ...(count === undefined ? {} : { count }),
    ...(bits === undefined ? {} : { bits }),
  };
}

/** Where value and exponent begin in what is read; without an exponent both at the beginning. */
function placesOf({ address, exponent }: { readonly address: ModbusAddress } & Pick<ModbusPoint, 'exponent'>, base: number) {
  const apart = exponent === undefined ? 0 : wireAddress(exponent, base) - wireAddress(address, base);
  return { valueAt: Math.max(0, -apart), exponentAt: Math.max(0, apart) - (exponent === undefined ? 1 : 0) };
}

function elementCodec(point: RegisterPoint, type: DataType, size: number): Codec {
  const { absent, byteOrder } = point.address;
  const plain = plainCodec(point, type, size);
  const codec = absent === undefined ? plain : unlessAbsent(plain, absentOf(absent, type, size));
  // The order of registers has no meaning for text.
  const wordOrder = type === 'string' || type === 'bytes' ? 'big-endian' : point.address.wordOrder;
  return inOrder(codec, { wordOrder, byteOrder });
}

function plainCodec({ address: point }: RegisterPoint, type: DataType, size: number): Codec {
  const { address, fields, encoding, trim } = point;
  const bits = address.bit ?? address.bits;
  if (bits !== undefined) return bitsCodec(bits, size);
  if (fields !== undefined) return fieldsCodec(fields, size);
  if (isNumberType(type)) return numberCodec(type, (encoding ?? 'binary') as IntegerEncoding);
  if (type === 'string') return textCodec((encoding ?? 'utf8') as TextEncoding, trim, size);
  return type === 'dateTime' ? clockCodec(point, size) : bytesCodec(size);
}

function clockCodec({ encoding, format, timeZone: zone }: Omit<ModbusPoint, 'address'>, size: number): Codec {
  const parsed = format === undefined ? undefined : parseDateTimeFormat(format, encoding === 'bcd');
  if (parsed !== undefined) return dateTimeCodec(formattedClock(parsed), timeZone(zone));
  if (encoding === 'cp56time2a') return dateTimeCodec(cp56Clock, timeZone(zone));
  return dateTimeCodec(epochClock(encoding === 'epoch-milliseconds' ? 1 : 1_000, size), timeZone(zone));
}

function absentOf(absent: NonNullable<ModbusPoint['absent']>, type: DataType, size: number): Absent {
  if (absent === 'sunspec') return sunspecAbsent(type, size);
  const patterns = absent.flatMap((one) => patternOf(one, type, size) ?? []);
  const values = absent.flatMap((one): readonly Scalar[] => (typeof one === 'number' ? [one, ...wide(one)] : []));
  return { patterns: new Set(patterns), values: new Set(values) };
}

function wide(one: number): readonly bigint[] {
  return Number.isInteger(one) ? [BigInt(one)] : [];
}

/** All bits of a value, where the number can stand for them. */
function patternOf(one: number | string, type: DataType, size: number): string | undefined {
  if (isFloatType(type) && typeof one === 'number') return undefined;
  if (typeof one === 'number' && !Number.isInteger(one)) return undefined;
  const bits = BigInt(one);
  const width = isNumberType(type) ? bitsOf(type) : 16 * size;
  return BigInt.asUintN(16 * size, width === 8 ? bits : BigInt.asUintN(width, bits))
    .toString(16)
    .padStart(4 * size, '0');
}

/** SunSpec Information Model Specification, "not implemented" values. */
function sunspecAbsent(type: DataType, size: number): Absent {
  if (type === 'string') return { patterns: new Set(['0'.repeat(4 * size)]), values: new Set() };
  if (isNumberType(type) && isFloatType(type)) return { patterns: new Set(), values: new Set([Number.NaN]) };
  const isNegative = isNumberType(type) && isSigned(type as Exclude<NumberType, 'float16' | 'float32' | 'float64'>);
  return { patterns: new Set([isNegative ? `8${'0'.repeat(4 * size - 1)}` : 'f'.repeat(4 * size)]), values: new Set() };
}
