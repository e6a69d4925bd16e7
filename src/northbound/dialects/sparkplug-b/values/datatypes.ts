/** Datatypes of a metric and their numbers: Sparkplug 3.0 §6.4.16. */
export const SCALARS = {
  ...{ Int8: 1, Int16: 2, Int32: 3, Int64: 4, UInt8: 5, UInt16: 6, UInt32: 7, UInt64: 8 },
  ...{ Float: 9, Double: 10, Boolean: 11, String: 12, DateTime: 13, UUID: 15, Bytes: 17 },
} as const;
export type ScalarType = keyof typeof SCALARS;

/** What elements of an array may be. */
export const ARRAYS = {
  ...{ Int8: 22, Int16: 23, Int32: 24, Int64: 25, UInt8: 26, UInt16: 27, UInt32: 28, UInt64: 29 },
  ...{ Float: 30, Double: 31, Boolean: 32, String: 33, DateTime: 34 },
} as const;
export type ElementType = keyof typeof ARRAYS;

export const DATA_SET = 16;
export const TEMPLATE = 19;
export const PROPERTY_SET = 20;

/** Signed or not, and its bits. */
export const INTEGERS = {
  Int8: { bits: 8, isSigned: true },
  Int16: { bits: 16, isSigned: true },
  Int32: { bits: 32, isSigned: true },
  Int64: { bits: 64, isSigned: true },
  UInt8: { bits: 8, isSigned: false },
  UInt16: { bits: 16, isSigned: false },
  UInt32: { bits: 32, isSigned: false },
  UInt64: { bits: 64, isSigned: false },
} as const satisfies Partial<Record<ScalarType, { readonly bits: number; readonly isSigned: boolean }>>;
export type IntegerType = keyof typeof INTEGERS;

export function isInteger(type: ScalarType): type is IntegerType {
  return type in INTEGERS;
}

export function isElement(type: ScalarType): type is ElementType {
  return type in ARRAYS;
}

/** Smallest and largest value. */
export function boundsOf(type: IntegerType): { readonly min: bigint; readonly max: bigint } {
  const { bits, isSigned } = INTEGERS[type];
  return isSigned
    ? { min: -(2n ** BigInt(bits - 1)), max: 2n ** BigInt(bits - 1) - 1n }
    : { min: 0n, max: 2n ** BigInt(bits) - 1n };
}

export function fitsInteger(value: number | bigint, type: IntegerType): boolean {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return false;
  const { min, max } = boundsOf(type);
  const exact = BigInt(value);
  return exact >= min && exact <= max;
}

const SCALAR_NAMES = new Map<number, ScalarType>(Object.entries(SCALARS).map(([name, id]) => [id, name as ScalarType]));
const ELEMENT_NAMES = new Map<number, ElementType>(Object.entries(ARRAYS).map(([name, id]) => [id, name as ElementType]));
/** Text and File are received as what they are made of. */
const ALIKE: Readonly<Record<number, ScalarType>> = { 14: 'String', 18: 'Bytes' };

export function scalarNamed(datatype: number): ScalarType | undefined {
  return SCALAR_NAMES.get(datatype) ?? ALIKE[datatype];
}

export function elementNamed(datatype: number): ElementType | undefined {
  return ELEMENT_NAMES.get(datatype);
}
