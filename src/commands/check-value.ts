import type { WriteRule } from '../model/plan.ts';
import type { Value } from '../model/value.ts';
import { type Finding, finding } from './finding.ts';
import { isSameValue } from './same-value.ts';

/** The engineering value against the `write:` rule of its point. */
export function checkValue(rule: WriteRule, wanted: Value): Finding | undefined {
  if (typeof wanted === 'number' && !Number.isFinite(wanted)) {
    return finding('VALUE_TYPE', `expected a finite number, got ${wanted}`);
  }
  if (rule.values !== undefined && !rule.values.some((allowed) => isSameValue(allowed, wanted))) {
    return finding('COMMAND_OUT_OF_RANGE', `expected one of ${rule.values.join(', ')}, got ${wanted}`);
  }
  return checkLimits(rule, wanted);
}

function checkLimits({ min, max }: WriteRule, wanted: Value): Finding | undefined {
  if (min === undefined && max === undefined) return undefined;
  if (typeof wanted !== 'number' && typeof wanted !== 'bigint') {
    return finding('VALUE_TYPE', `expected a number, got ${typeof wanted} ${JSON.stringify(wanted)}`);
  }
  if (min !== undefined && wanted < min) return finding('COMMAND_OUT_OF_RANGE', `expected at least ${min}, got ${wanted}`);
  if (max !== undefined && wanted > max) return finding('COMMAND_OUT_OF_RANGE', `expected at most ${max}, got ${wanted}`);
  return undefined;
}
