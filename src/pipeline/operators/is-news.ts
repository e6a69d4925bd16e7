import type { Reading } from '../../model/reading.ts';
import type { Value } from '../../model/value.ts';

/** Whether a reading says something that the last one sent did not: another quality or status, or a value beyond the deadband. */
export function isNews(sent: Reading | undefined, reading: Reading, deadband: number): boolean {
  if (sent === undefined || sent.quality !== reading.quality || sent.status !== reading.status) return true;
  return !Object.is(sent.value, reading.value) && !isWithin(sent.value, reading.value, deadband);
}

/** False for anything but two numbers; false when one is NaN, so that coming and going of NaN is told. */
function isWithin(a: Value | null, b: Value | null, deadband: number): boolean {
  if (typeof a === 'bigint' && typeof b === 'bigint') return Number(a > b ? a - b : b - a) <= deadband;
  return typeof a === 'number' && typeof b === 'number' && Math.abs(a - b) <= deadband;
}
