import type { CommandResult } from '../model/command.ts';
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
}

export interface Guard {
  readonly name: string;
  /** Unique in the gateway. */
  readonly id: string;
  readonly atMostEveryMs?: number;
}
