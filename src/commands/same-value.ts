import type { DataType } from '../model/data-type.ts';
import { isArray, isCompound, matches, type Scalar, type Value } from '../model/value.ts';

/** Equal as a person would say: 3 and 3n are the same, 3 and '3' and true are not. */
export function isSameValue(a: Scalar, b: Scalar): boolean {
  if (typeof a === 'bigint' && typeof b === 'number') return Number.isInteger(b) && a === BigInt(b);
  if (typeof a === 'number' && typeof b === 'bigint') return isSameValue(b, a);
  return a === b;
}

/** float32 carries 24 bits, float16 11; a device that computes with it may be off by the last two. */
const FLOAT32_TOLERANCE = 2 ** -22;
const FLOAT16_TOLERANCE = 2 ** -9;
/** Many clocks know no parts of a second. */
const CLOCK_STEP_MS = 1_000;

/**
 * Whether the device took the value: what was written and what was read back, both as the device's own values. Of a structure
 * those fields that were written.
 */
export function isTaken(type: DataType | undefined, written: Value, readBack: Value): boolean {
  return matches(written, writtenPart(written, readBack), (a, b) => isTakenScalar(type, a, b));
}

function writtenPart(written: Value, readBack: Value): Value {
  if (!isCompound(written) || !isCompound(readBack) || isArray(written) || isArray(readBack)) return readBack;
  return Object.fromEntries(Object.entries(readBack).filter(([name]) => Object.hasOwn(written, name)));
}

function isTakenScalar(type: DataType | undefined, written: Scalar, readBack: Scalar): boolean {
  if (isSameValue(written, readBack)) return true;
  if (typeof written === 'string' && typeof readBack === 'string') return isSameText(type, written, readBack);
  if (typeof written !== 'number' || typeof readBack !== 'number') return false;
  const tolerance = type === 'float16' ? FLOAT16_TOLERANCE : type === 'float32' || type === undefined ? FLOAT32_TOLERANCE : 0;
  return Math.abs(written - readBack) <= tolerance * Math.max(Math.abs(written), Math.abs(readBack));
}

function isSameText(type: DataType | undefined, written: string, readBack: string): boolean {
  if (type === 'guid') return written.toLowerCase() === readBack.toLowerCase();
  if (type === 'dateTime') return Math.abs(Date.parse(written) - Date.parse(readBack)) < CLOCK_STEP_MS;
  return false;
}
