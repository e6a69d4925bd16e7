import type { CommandResult } from '../model/command.ts';
import type { Precautions } from '../model/plan.ts';
import type { ConnectorSession } from '../southbound/connector.ts';
import type { Finding } from './finding.ts';

/** A command that passed every check that needs neither time nor device. */
export interface Job {
  /** What `atMostEvery` and `onlyIf` are looked up by: the points to be written, or the method. */
  readonly guards: readonly Guard[];
  /** The answer when something keeps it from being done; findings by name of the guard. */
  refuse(findings: Readonly<Record<string, Finding>>): CommandResult;
  /** Done once. Never rejects. */
  run(session: ConnectorSession, signal: AbortSignal): Promise<CommandResult>;
  /** The answer of a dry run, when nothing keeps it from being done. */
  tryOut(): CommandResult;
}

export interface Guard extends Pick<Precautions, 'atMostEveryMs' | 'approveWithinMs' | 'expiresMs'> {
  readonly name: string;
  /** Unique in the gateway. */
  readonly id: string;
}

export function guardOf(name: string, id: string, precautions: Precautions | undefined): Guard {
  const { atMostEveryMs, approveWithinMs, expiresMs } = precautions ?? {};
  return {
    name,
    id,
    ...(atMostEveryMs === undefined ? {} : { atMostEveryMs }),
    ...(approveWithinMs === undefined ? {} : { approveWithinMs }),
    ...(expiresMs === undefined ? {} : { expiresMs }),
  };
}
