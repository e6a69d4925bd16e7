import type { WriteCommand } from '../model/command.ts';
import type { DevicePlan, PointPlan } from '../model/plan.ts';
import type { Value } from '../model/value.ts';
import { type Finding, finding } from './finding.ts';

/** A point a command names, with the engineering value wanted. */
export interface Target {
  readonly name: string;
  readonly plan: PointPlan;
  readonly wanted: Value;
}

export interface Targets {
  readonly found: readonly Target[];
  /** By point name. */
  readonly findings: Readonly<Record<string, Finding>>;
}

/** Known points that the mapping lets be written, and why the others are not. */
export function findTargets(device: DevicePlan, command: WriteCommand): Targets {
  const plans = new Map(device.points.map((plan) => [plan.point.name, plan]));
  const found: Target[] = [];
  const findings: [string, Finding][] = [];
  for (const [name, wanted] of Object.entries(command.desired)) {
    const plan = plans.get(name);
    const reason = checkWritable(device.twin, name, plan);
    if (reason !== undefined) findings.push([name, reason]);
    else if (plan !== undefined) found.push({ name, plan, wanted });
  }
  return { found, findings: Object.fromEntries(findings) };
}

function checkWritable(twin: string, name: string, plan: PointPlan | undefined): Finding | undefined {
  if (plan === undefined) return finding('COMMAND_UNKNOWN', `twin ${twin} has no point \`${name}\``);
  if (plan.write === undefined || plan.point.access === 'read') {
    return finding('COMMAND_READ_ONLY', `${plan.point.id} has no \`write:\` in its mapping`);
  }
  return undefined;
}
