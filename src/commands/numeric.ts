import type { DataType } from '../model/data-type.ts';

const BITS: Partial<Record<DataType, number>> = {
  int8: 8,
  int16: 16,
  int32: 32,
  int48: 48,
  int64: 64,
  uint8: 8,
  uint16: 16,
  uint32: 32,
  uint48: 48,
  uint64: 64,
};

/** Lowest and highest value an integer type can hold; `undefined` for any other type. */
export function integerLimits(type: DataType): readonly [bigint, bigint] | undefined {
  const bits = BITS[type];
  if (bits === undefined) return undefined;
  return type.startsWith('u') ? [0n, 2n ** BigInt(bits) - 1n] : [-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n];
}

/** 64-bit integers are bigint everywhere in the gateway. */
export function isWide(type: DataType | undefined): boolean {
  return type === 'int64' || type === 'uint64';
}

/** Undoing a scale leaves 2.9999999999999996 where 3 is meant; what is further off was not meant as a whole number. */
const ROUNDING = 1e-6;

export function nearlyWhole(value: number): number | undefined {
  const whole = Math.round(value);
  return Math.abs(value - whole) <= ROUNDING ? whole : undefined;
}
