import type { Reading } from '../../model/reading.ts';
import { matches, type Scalar } from '../../model/value.ts';

/**
 * Whether a reading says something that the last one sent did not: another quality or status, or a value beyond the deadband. An
 * array or a structure is news when one of its elements is.
 */
export function isNews(sent: Reading | undefined, reading: Reading, deadband: number): boolean {
  if (sent === undefined || sent.quality !== reading.quality || sent.status !== reading.status) return true;
  return !matches(sent.value, reading.value, (a, b) => Object.is(a, b) || isWithin(a, b, deadband));
}

/** False for anything but two numbers; false when one is NaN, so that coming and going of NaN is told. */
function isWithin(a: Scalar, b: Scalar, deadband: number): boolean {
  if (typeof a === 'bigint' && typeof b === 'bigint') return Number(a > b ? a - b : b - a) <= deadband;
  return typeof a === 'number' && typeof b === 'number' && Math.abs(a - b) <= deadband;
}
