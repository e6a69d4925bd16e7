import type { DataType } from '../../../src/model/data-type.ts';
import { elementSize, typeOf } from '../codec/layout.ts';
import { bitsOf, isFloatType, isNumberType, isSigned } from '../codec/number-codec.ts';
import { isBitTable } from '../mapping/address.ts';
import { parseDateTimeFormat } from '../mapping/date-time-format.ts';
import type { RegisterPoint } from '../mapping/plan.ts';
import type { Encoding } from '../mapping/point-settings.ts';
import type { Finding } from './finding.ts';

/** What the keys of one value say about each other: type, bits, encoding, length, order, count, exponent. */

export function checkBit(point: RegisterPoint): Finding | undefined {
  const { table, bit, bits } = point.address.address;
  const part = bits === undefined ? 'bit' : 'bits';
  if ((bit !== undefined || bits !== undefined) && isBitTable(table))
    return { key: 'address', message: `a ${table} is one bit already`, hint: `leave out \`${part}\`` };
  if (bit !== undefined && typeOf(point) !== 'boolean')
    return { key: 'type', message: `a bit is boolean, not ${point.type}`, hint: 'leave out `type`' };
  if (bits !== undefined && typeOf(point) !== 'uint16')
    return { key: 'type', message: `a run of bits is uint16, not ${point.type}`, hint: 'leave out `type`' };
  if (bit === undefined && point.type === 'boolean' && !isBitTable(table)) {
    return { key: 'address', message: `this ${table} register is no boolean`, hint: `name its bit: \`bit: 0\` to \`bit: 15\`` };
  }
  return undefined;
}

export function checkType(point: RegisterPoint): Finding | undefined {
  const { table } = point.address.address;
  const type = typeOf(point);
  if (type === undefined)
    return { key: 'type', message: `this ${table} register needs a \`type\``, hint: 'e.g. `type: int16` or `type: float32`' };
  if (isBitTable(table) && type !== 'boolean')
    return { key: 'type', message: `a ${table} is boolean, not ${type}`, hint: 'leave out `type`' };
  if (type === 'guid') return { key: 'type', message: 'Modbus knows no guid', hint: 'read it as `string` or `bytes`' };
  return undefined;
}

/** Fields are bits of an unsigned number, and nothing beside them picks bits or makes an array. */
export function checkFields(point: RegisterPoint): Finding | undefined {
  const { fields, address, count } = point.address;
  if (fields === undefined) return undefined;
  const type = typeOf(point);
  const isWord = type !== undefined && isNumberType(type) && !isFloatType(type) && !isSigned(type) && type !== 'uint8';
  if (!isWord) {
    const message = `\`fields\` are bits of an unsigned number, not of ${type}`;
    return { key: 'fields', message, hint: '`type: uint16` (the default), `uint32`, `uint48` or `uint64`' };
  }
  if (address.bit !== undefined || address.bits !== undefined)
    return { key: 'address', message: '`fields` name the bits; the address has none', hint: 'leave out `bit` or `bits`' };
  if (count !== undefined)
    return { key: 'count', message: 'status words with `fields` make no array', hint: 'leave out `count`' };
  const highest = Math.max(...Object.values(fields).flat());
  if (highest < bitsOf(type)) return undefined;
  const hint = `0 to ${bitsOf(type) - 1}, or a wider \`type\``;
  return { key: 'fields', message: `${type} has no bit ${highest}`, hint };
}

const FITTING: Readonly<Record<Encoding, (type: DataType) => boolean>> = {
  binary: (type) => type !== 'string' && type !== 'boolean',
  bcd: (type) => type === 'dateTime' || isUnsignedWord(type),
  'modulo-10000': isUnsignedWord,
  'sign-magnitude': (type) => ['int16', 'int32', 'int48', 'int64'].includes(type),
  utf8: (type) => type === 'string',
  latin1: (type) => type === 'string',
  utf16: (type) => type === 'string',
  'epoch-seconds': (type) => type === 'dateTime',
  'epoch-milliseconds': (type) => type === 'dateTime',
  cp56time2a: (type) => type === 'dateTime',
};

const FOR: Readonly<Record<Encoding, string>> = {
  binary: 'numbers, `bytes` and `dateTime`',
  bcd: '`uint16`, `uint32`, `uint48`, `uint64` and `dateTime`',
  'modulo-10000': '`uint16`, `uint32`, `uint48` and `uint64`',
  'sign-magnitude': '`int16`, `int32`, `int48` and `int64`',
  utf8: '`string`',
  latin1: '`string`',
  utf16: '`string`',
  'epoch-seconds': '`dateTime`',
  'epoch-milliseconds': '`dateTime`',
  cp56time2a: '`dateTime`',
};

function isUnsignedWord(type: DataType): boolean {
  return ['uint16', 'uint32', 'uint48', 'uint64'].includes(type);
}

export function checkEncoding(point: RegisterPoint): Finding | undefined {
  const type = typeOf(point);
  const { encoding, fields, address } = point.address;
  if (type === undefined) return undefined;
  if (type === 'dateTime') return checkDateTime(point);
  if (point.address.format !== undefined)
    return { key: 'format', message: `\`format\` is for dateTime, not for ${type}`, hint: 'leave out `format`' };
  if (encoding === undefined) return undefined;
  if (!FITTING[encoding](type)) {
    const message = `\`encoding: ${encoding}\` is not for ${type}`;
    return { key: 'encoding', message, hint: `it is for ${FOR[encoding]}` };
  }
  const isBits = fields !== undefined || address.bits !== undefined;
  if (isBits && encoding !== 'binary')
    return { key: 'encoding', message: 'bits are picked from a binary number', hint: 'leave out `encoding`' };
  return undefined;
}

function checkDateTime({ address: { encoding, format } }: RegisterPoint): Finding | undefined {
  const isPattern = encoding === undefined || encoding === 'binary' || encoding === 'bcd';
  if (format === undefined && isPattern) {
    const hint = '`encoding: epoch-seconds`, `epoch-milliseconds` or `cp56time2a`, or e.g. `format: YYYY MM DD hh mm ss`';
    return { key: 'type', message: 'a dateTime needs its `encoding` or its `format`', hint };
  }
  if (encoding !== undefined && !FITTING[encoding]('dateTime'))
    return { key: 'encoding', message: `\`encoding: ${encoding}\` is not for dateTime`, hint: `it is for ${FOR[encoding]}` };
  if (format === undefined) return undefined;
  if (!isPattern) return { key: 'format', message: `\`${encoding}\` has a form of its own`, hint: 'leave out `format`' };
  if (parseDateTimeFormat(format, encoding === 'bcd') !== undefined) return undefined;
  const hint =
    encoding === 'bcd'
      ? 'in BCD four letters a register, e.g. `YYMM DDhh mmss`'
      : 'a number (`YYYY`) or two bytes (`MMDD`) a register, e.g. `YYYY MMDD hhmm ss`; for digits `encoding: bcd`';
  return { key: 'format', message: `\`${format}\` is no ${encoding ?? 'binary'} date-time`, hint };
}

export function checkLength(point: RegisterPoint): Finding | undefined {
  const isText = point.type === 'string' || point.type === 'bytes';
  const { length, encoding } = point.address;
  if (isText && length === undefined)
    return {
      key: 'length',
      message: `a ${point.type} needs its \`length\` in registers`,
      hint: 'e.g. `length: 8` for 16 characters',
    };
  if (isText || length === undefined) return undefined;
  if (point.type !== 'dateTime' || encoding !== 'epoch-seconds')
    return { key: 'length', message: `the length of ${typeOf(point)} is fixed`, hint: 'leave out `length`' };
  return length === 2 || length === 4 ? undefined : { key: 'length', message: 'epoch-seconds take 2 or 4 registers' };
}

export function checkOrder(point: RegisterPoint): Finding | undefined {
  const { wordOrder } = point.address;
  const size = elementSize(point) ?? 1;
  const isNumber = point.type !== 'string' && point.type !== 'bytes';
  if (!wordOrder.endsWith('-swapped') || !isNumber || size === 1 || size % 2 === 0) return undefined;
  const message = `the ${size} registers of ${typeOf(point)} are no pairs to be swapped`;
  return { key: 'wordOrder', message, hint: 'write `wordOrder: big-endian` or `little-endian` at this point' };
}

export function checkCount(point: RegisterPoint): Finding | undefined {
  const { count, address, exponent } = point.address;
  if (count === undefined) return undefined;
  if (address.bit !== undefined || address.bits !== undefined)
    return { key: 'count', message: 'bits of registers make no array', hint: 'a point for each, or `fields` for one object' };
  if (exponent !== undefined)
    return { key: 'count', message: 'an exponent goes with one number, not with an array', hint: 'a point for each number' };
  return undefined;
}

export function checkExponent(point: RegisterPoint): Finding | undefined {
  const { exponent, address, fields } = point.address;
  if (exponent === undefined) return undefined;
  const type = typeOf(point);
  const isWhole = type !== undefined && isNumberType(type) && !isFloatType(type);
  if (!isWhole || address.bits !== undefined || fields !== undefined)
    return { key: 'exponent', message: `an exponent goes with a whole number, not with ${type}`, hint: 'leave out `exponent`' };
  if (exponent.table === address.table) return undefined;
  const message = `the value is in table ${address.table}, its exponent in ${exponent.table}`;
  return { key: 'exponent', message, hint: 'read the exponent as a point of its own, and the value by `expression`' };
}

export function checkAbsent(point: RegisterPoint): Finding | undefined {
  const { absent, address } = point.address;
  if (!Array.isArray(absent) || (point.type !== 'string' && point.type !== 'bytes' && !isBitTable(address.table)))
    return undefined;
  return { key: 'absent', message: `${typeOf(point)} has no number that means "absent"`, hint: 'leave out `absent`' };
}
