import type { CommandResult, PointResult, WriteCommand } from '../model/command.ts';
import type { DevicePlan } from '../model/plan.ts';
import { finding } from './finding.ts';
import { guardOf, type Job } from './job.ts';
import { type Invert, prepareWrites } from './prepare.ts';
import { conclude, refuse, refusePoints } from './results.ts';
import { type PreparedWrite, type VerifyOptions, writeAndVerify } from './write-and-verify.ts';

/** The writing of points as a job, or its refusal. Nothing is written before every check has passed for every point. */
export function writeJob(
  device: DevicePlan,
  command: WriteCommand,
  options: VerifyOptions & { readonly invert: Invert },
): Job | CommandResult {
  if (Object.keys(command.desired).length === 0) return refuse(command, finding('COMMAND_INVALID', 'the command names no point'));
  const { writes, findings } = prepareWrites(device, command, options.invert);
  if (Object.keys(findings).length > 0) return refusePoints(command, findings);
  return {
    guards: writes.map(({ target: { name, plan } }) => guardOf(name, plan.point.id, plan.write)),
    refuse: (found) => refusePoints(command, found),
    run: async (session, signal) => conclude(command, await writeAndVerify(session, writes, options, signal)),
    tryOut: () => checked(command, writes),
  };
}

/** What the device would have been given. */
function checked({ id, device }: WriteCommand, writes: readonly PreparedWrite[]): CommandResult {
  const points = writes.map(({ target, value }): [string, PointResult] => [
    target.name,
    { status: 'checked', deviceValue: value },
  ]);
  return { id, device, status: 'checked', points: Object.fromEntries(points) };
}
