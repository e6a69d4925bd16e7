import type { WriteCommand } from '../model/command.ts';
import type { DevicePlan, PointPlan } from '../model/plan.ts';
import type { Value } from '../model/value.ts';
import { checkValue } from './check-value.ts';
import { parseWide, toDeviceValue } from './device-value.ts';
import { type Finding, toFinding } from './finding.ts';
import { findTargets, type Target } from './target.ts';
import type { PreparedWrite } from './write-and-verify.ts';

export type Invert = (plan: PointPlan, value: Value) => Value;

export interface Preparation {
  readonly writes: readonly PreparedWrite[];
  /** By point name; everything that is wrong, so that one answer mends all. */
  readonly findings: Readonly<Record<string, Finding>>;
}

/** Every check that needs neither time nor device: known, writable, type, limits. */
export function prepareWrites(device: DevicePlan, command: WriteCommand, invert: Invert): Preparation {
  const targets = findTargets(device, command);
  const writes: PreparedWrite[] = [];
  const findings = new Map(Object.entries(targets.findings));
  for (const target of targets.found) {
    const write = prepareWrite(target, invert);
    if ('code' in write) findings.set(target.name, write);
    else writes.push(write);
  }
  return { writes, findings: Object.fromEntries(findings) };
}

function prepareWrite({ name, plan, wanted: told }: Target, invert: Invert): PreparedWrite | Finding {
  const wanted = parseWide(plan.point.type, told);
  const refused = plan.write === undefined ? undefined : checkValue(plan.write, wanted);
  if (refused !== undefined) return refused;
  try {
    return { target: { name, plan, wanted }, value: toDeviceValue(plan, wanted, invert) };
  } catch (error) {
    return toFinding(error);
  }
}
