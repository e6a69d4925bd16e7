import { type CallCommand, type Command, type CommandResult, isCall, type WriteCommand } from '../model/command.ts';

/** What is kept of every command, whatever became of it. */
export interface AuditEntry {
  /** When the command arrived; UTC, milliseconds since 1970. */
  readonly timeMs: number;
  readonly durationMs: number;
  readonly command: Command;
  readonly result: CommandResult;
  /** The command came again: the first answer was given again, nothing was done. */
  readonly isRepeated?: true;
}

/** One flat log line: `command answered` with these fields. 64-bit integers become text, which JSON can carry. */
export function auditFields({ timeMs, durationMs, command, result, isRepeated }: AuditEntry): Readonly<Record<string, unknown>> {
  return {
    command: command.id,
    device: command.device,
    status: result.status,
    ...(isRepeated === undefined ? {} : { repeated: true }),
    received: new Date(timeMs).toISOString(),
    duration_ms: Math.round(durationMs),
    ...(isCall(command) ? callFields(command, result) : writeFields(command, result)),
    ...(result.error === undefined ? {} : { code: result.error.code, reason: result.error.message }),
  };
}

function writeFields({ desired }: WriteCommand, { points }: CommandResult): Readonly<Record<string, unknown>> {
  return { desired: carryable(desired), points: carryable(points) };
}

function callFields(call: CallCommand, { outputs }: CommandResult): Readonly<Record<string, unknown>> {
  const given = { method: call.method, arguments: carryable(call.arguments) };
  return outputs === undefined ? given : { ...given, outputs: carryable(outputs) };
}

function carryable(data: unknown): unknown {
  return JSON.parse(JSON.stringify(data, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value)));
}
