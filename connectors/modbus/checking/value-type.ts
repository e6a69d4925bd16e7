import type { ValueType } from '../../../src/model/point-description.ts';
import { typeOf } from '../codec/layout.ts';
import { isRegisterPoint, type ModbusPlanPoint } from '../mapping/plan.ts';

/** What values of a point consist of. */
export function valueTypeOf(point: ModbusPlanPoint): ValueType | undefined {
  if (!isRegisterPoint(point)) return 'string';
  const { fields, count, exponent } = point.address;
  const type = exponent === undefined ? typeOf(point) : 'float64';
  if (type === undefined) return undefined;
  if (fields !== undefined) {
    // A run of bits may be as wide as the word.
    const parts = Object.entries(fields).map(([name, bits]) => [name, typeof bits === 'number' ? 'boolean' : type] as const);
    return { fields: Object.fromEntries(parts) };
  }
  return count === undefined ? type : { element: type };
}
