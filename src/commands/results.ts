import { type Command, type CommandResult, type PointResult, resultHead, type WriteCommand } from '../model/command.ts';
import type { Finding } from './finding.ts';

/** Refused before any point was looked at. */
export function refuse(command: Command, { code, message }: Finding): CommandResult {
  return { ...resultHead(command), status: 'refused', points: {}, error: { code, message } };
}

/** Refused for some of its points; then none is written. `findings` by point name. */
export function refusePoints(command: WriteCommand, findings: Readonly<Record<string, Finding>>): CommandResult {
  const reasons = new Map(Object.entries(findings));
  const points = Object.keys(command.desired).map((name): [string, PointResult] => {
    const error = reasons.get(name);
    return [name, { status: 'refused', ...(error === undefined ? {} : { error }) }];
  });
  return { id: command.id, device: command.device, status: 'refused', points: Object.fromEntries(points) };
}

export function conclude({ id, device }: Command, points: Readonly<Record<string, PointResult>>): CommandResult {
  const isDone = Object.values(points).every(({ status }) => status === 'written');
  return { id, device, status: isDone ? 'done' : 'failed', points };
}
