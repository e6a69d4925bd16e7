import { type Command, type CommandResult, commandKind } from '../model/command.ts';

/** What is kept of every command, whatever became of it. */
export interface AuditEntry {
  /** When the command arrived; UTC, milliseconds since 1970. */
  readonly timeMs: number;
  readonly durationMs: number;
  readonly command: Command;
  readonly result: CommandResult;
  /** The command came again: the first answer was given again, nothing was done. */
  readonly isRepeated?: true;
  /** Of an approval: who had asked for what was approved. */
  readonly requestedBy?: string;
}

/** One flat log line: `command answered` with these fields. 64-bit integers become text, which JSON can carry. */
export function auditFields({
  timeMs,
  durationMs,
  command,
  result,
  isRepeated,
  requestedBy,
}: AuditEntry): Readonly<Record<string, unknown>> {
  return {
    command: command.id,
    device: command.device,
    ...(command.by === undefined ? {} : { by: command.by }),
    ...(commandKind(command) === 'approval' ? { approval: true } : {}),
    status: result.status,
    ...(requestedBy === undefined ? {} : { requested_by: requestedBy }),
    ...(isRepeated === undefined ? {} : { repeated: true }),
    received: new Date(timeMs).toISOString(),
    duration_ms: Math.round(durationMs),
    ...askedFields(command),
    ...outcomeFields(result),
    ...(result.error === undefined ? {} : { code: result.error.code, reason: result.error.message }),
  };
}

function askedFields(command: Command): Readonly<Record<string, unknown>> {
  if ('desired' in command) return { desired: carryable(command.desired) };
  if ('method' in command) return { method: command.method, arguments: carryable(command.arguments) };
  return 'settings' in command ? { settings: carryable(command.settings) } : {};
}

function outcomeFields({ points, outputs, settings }: CommandResult): Readonly<Record<string, unknown>> {
  return {
    ...(Object.keys(points).length === 0 ? {} : { points: carryable(points) }),
    ...(outputs === undefined ? {} : { outputs: carryable(outputs) }),
    ...(settings === undefined ? {} : { changed: carryable(settings) }),
  };
}

function carryable(data: unknown): unknown {
  return JSON.parse(JSON.stringify(data, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value)));
}
