import type { DataType } from '../model/data-type.ts';
import { matches, type Scalar, type Value } from '../model/value.ts';

/** Equal as a person would say: 3 and 3n are the same, 3 and '3' and true are not. */
export function isSameValue(a: Scalar, b: Scalar): boolean {
  if (typeof a === 'bigint' && typeof b === 'number') return Number.isInteger(b) && a === BigInt(b);
  if (typeof a === 'number' && typeof b === 'bigint') return isSameValue(b, a);
  return a === b;
}

/** float32 carries 24 bits; a device that computes with it may be off by the last two. */
const FLOAT32_TOLERANCE = 2 ** -22;

/** Whether the device took the value: what was written and what was read back, both as the device's own values. */
export function isTaken(type: DataType | undefined, written: Value, readBack: Value): boolean {
  return matches(written, readBack, (a, b) => isTakenScalar(type, a, b));
}

function isTakenScalar(type: DataType | undefined, written: Scalar, readBack: Scalar): boolean {
  if (isSameValue(written, readBack)) return true;
  if (typeof written === 'string' && typeof readBack === 'string') return isSameText(type, written, readBack);
  if (typeof written !== 'number' || typeof readBack !== 'number') return false;
  const isFloat32 = type === 'float32' || type === undefined;
  return isFloat32 && Math.abs(written - readBack) <= FLOAT32_TOLERANCE * Math.max(Math.abs(written), Math.abs(readBack));
}

function isSameText(type: DataType | undefined, written: string, readBack: string): boolean {
  if (type === 'guid') return written.toLowerCase() === readBack.toLowerCase();
  if (type === 'dateTime') return Date.parse(written) === Date.parse(readBack);
  return false;
}
