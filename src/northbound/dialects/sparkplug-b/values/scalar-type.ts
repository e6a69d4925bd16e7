import type { DataType } from '../../../../model/data-type.ts';
import type { Scalar } from '../../../../model/value.ts';
import { boundsOf, fitsInteger, INTEGERS, type IntegerType, isInteger, type ScalarType } from './datatypes.ts';

/** What the mapping says, in words of Sparkplug. Integers of 48 bits travel in 64. */
const HINTS: Readonly<Record<DataType, ScalarType>> = {
  ...{ boolean: 'Boolean', int8: 'Int8', uint8: 'UInt8', int16: 'Int16', uint16: 'UInt16', int32: 'Int32', uint32: 'UInt32' },
  ...{
    int48: 'Int64',
    uint48: 'UInt64',
    int64: 'Int64',
    uint64: 'UInt64',
    float16: 'Float',
    float32: 'Float',
    float64: 'Double',
  },
  ...{ string: 'String', dateTime: 'DateTime', bytes: 'Bytes', guid: 'UUID' },
};

export function hintedType(hint: DataType): ScalarType {
  return HINTS[hint];
}

/** The type of one value: what the mapping says if that is true of it. */
export function scalarTypeOf(value: Scalar, hint?: DataType): ScalarType {
  const hinted = hint === undefined ? undefined : HINTS[hint];
  switch (typeof value) {
    case 'boolean':
      return 'Boolean';
    case 'number':
      return numberType(value, hinted);
    case 'bigint':
      return bigintType(value, hinted);
    default:
      return textType(value, hinted);
  }
}

function numberType(value: number, hinted: ScalarType | undefined): ScalarType {
  if (hinted === 'Float') return 'Float';
  return hinted !== undefined && isInteger(hinted) && fitsInteger(value, hinted) ? hinted : 'Double';
}

function bigintType(value: bigint, hinted: ScalarType | undefined): ScalarType {
  if (hinted !== undefined && isInteger(hinted) && fitsInteger(value, hinted)) return hinted;
  if (fitsInteger(value, 'Int64')) return 'Int64';
  return fitsInteger(value, 'UInt64') ? 'UInt64' : 'String';
}

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function textType(value: string, hinted: ScalarType | undefined): ScalarType {
  if (hinted === 'DateTime' && isExactTime(value)) return 'DateTime';
  if (hinted === 'UUID' && GUID.test(value)) return 'UUID';
  return hinted === 'Bytes' && BASE64.test(value) ? 'Bytes' : 'String';
}

/** To the millisecond, which is all that a DateTime can say, and not before 1970. */
function isExactTime(text: string): boolean {
  return /T\d\d:\d\d:\d\d(\.\d{1,3}0*)?Z$/.test(text) && Date.parse(text) >= 0;
}

/** The smallest type that holds both exactly; a text where there is none. */
export function joinScalars(a: ScalarType | undefined, b: ScalarType | undefined): ScalarType | undefined {
  if (a === undefined || a === b) return b;
  if (b === undefined) return a;
  if (isInteger(a) && isInteger(b)) return joinIntegers(a, b);
  return isInDouble(a) && isInDouble(b) ? 'Double' : 'String';
}

function joinIntegers(a: IntegerType, b: IntegerType): ScalarType {
  const holds = (type: IntegerType) =>
    [a, b].every((part) => boundsOf(part).min >= boundsOf(type).min && boundsOf(part).max <= boundsOf(type).max);
  const names = Object.keys(INTEGERS) as IntegerType[];
  return names.toSorted((left, right) => INTEGERS[left].bits - INTEGERS[right].bits).find(holds) ?? 'String';
}

function isInDouble(type: ScalarType): boolean {
  return type === 'Float' || type === 'Double' || (isInteger(type) && INTEGERS[type].bits <= 32);
}
