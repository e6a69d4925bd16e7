import type { WriteRule } from '../model/plan.ts';
import { describeValue, isNumber, type Scalar, scalarsOf, type Value } from '../model/value.ts';
import { type Finding, finding } from './finding.ts';
import { isSameValue } from './same-value.ts';
import { isOnStep } from './step.ts';

export type Limits = Pick<WriteRule, 'min' | 'max' | 'step' | 'values'>;

/** The value against the `write:` rule of its point, or of an argument; of an array or a structure every element. */
export function checkValue(limits: Limits, wanted: Value): Finding | undefined {
  for (const scalar of scalarsOf(wanted)) {
    const found = checkScalar(limits, scalar);
    if (found !== undefined) return found;
  }
  return undefined;
}

function checkScalar(limits: Limits, wanted: Scalar | null): Finding | undefined {
  if (wanted === null) return finding('VALUE_TYPE', 'an element without a value cannot be written');
  if (typeof wanted === 'number' && !Number.isFinite(wanted)) {
    return finding('VALUE_TYPE', `expected a finite number, got ${wanted}`);
  }
  if (limits.values !== undefined && !limits.values.some((allowed) => isSameValue(allowed, wanted))) {
    return finding('COMMAND_OUT_OF_RANGE', `expected one of ${limits.values.join(', ')}, got ${wanted}`);
  }
  return checkLimits(limits, wanted);
}

function checkLimits({ min, max, step }: Limits, wanted: Scalar): Finding | undefined {
  if (min === undefined && max === undefined && step === undefined) return undefined;
  if (!isNumber(wanted)) return finding('VALUE_TYPE', `expected a number, got ${typeof wanted} ${describeValue(wanted)}`);
  if (min !== undefined && wanted < min) return finding('COMMAND_OUT_OF_RANGE', `expected at least ${min}, got ${wanted}`);
  if (max !== undefined && wanted > max) return finding('COMMAND_OUT_OF_RANGE', `expected at most ${max}, got ${wanted}`);
  if (step !== undefined && !isOnStep(wanted, step, min ?? 0)) {
    return finding('COMMAND_OUT_OF_RANGE', `expected ${min ?? 0} and whole steps of ${step} from there, got ${wanted}`);
  }
  return undefined;
}
