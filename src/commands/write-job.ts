import type { CommandResult, WriteCommand } from '../model/command.ts';
import type { DevicePlan } from '../model/plan.ts';
import { finding } from './finding.ts';
import type { Guard, Job } from './job.ts';
import { type Invert, prepareWrites } from './prepare.ts';
import { conclude, refuse, refusePoints } from './results.ts';
import { type PreparedWrite, type ToEngineering, writeAndVerify } from './write-and-verify.ts';

/** The writing of points as a job, or its refusal. Nothing is written before every check has passed for every point. */
export function writeJob(
  device: DevicePlan,
  command: WriteCommand,
  { invert, engineering }: { readonly invert: Invert; readonly engineering: ToEngineering },
): Job | CommandResult {
  if (Object.keys(command.desired).length === 0) return refuse(command, finding('COMMAND_INVALID', 'the command names no point'));
  const { writes, findings } = prepareWrites(device, command, invert);
  if (Object.keys(findings).length > 0) return refusePoints(command, findings);
  return {
    guards: writes.map(guardOf),
    refuse: (found) => refusePoints(command, found),
    run: async (session, signal) => conclude(command, await writeAndVerify(session, writes, engineering, signal)),
  };
}

function guardOf({ target: { name, plan } }: PreparedWrite): Guard {
  const atMostEveryMs = plan.write?.atMostEveryMs;
  return { name, id: plan.point.id, ...(atMostEveryMs === undefined ? {} : { atMostEveryMs }) };
}
