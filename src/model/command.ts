import type { ErrorCode } from './error.ts';
import type { Scalar, Value } from './value.ts';

/**
 * A request from the hub. Which one it is tells the member that only it has: `desired`, `method`, `settings` or `approves`.
 * Never stored: a late command is a wrong command.
 */
export type Command = WriteCommand | CallCommand | SettingCommand | Approval;

interface Request {
  /** Correlation id given by the hub; echoed in the result and used against replay. */
  readonly id: string;
  /** The twin that is meant; for settings of the whole gateway any twin of it. */
  readonly device: string;
  /** Who asks, as the hub tells it; as trustworthy as the hub. */
  readonly by?: string;
  /** When it was sent, where the sender or the hub says so; UTC, milliseconds since 1970. */
  readonly issuedTimeMs?: number;
  /** After this instant the command must not be executed; UTC, milliseconds since 1970. Absent: the mapping says how long it lives. */
  readonly expiresTimeMs?: number;
  /** Where the sender wants the result; without it the result goes where the hub's configuration says. */
  readonly replyTo?: ReplyTo;
}

/** Everything is checked, nothing is done. */
interface Trial {
  readonly isDryRun?: true;
}

/** Points to be written. */
export interface WriteCommand extends Request, Trial {
  /** Engineering values by point name. */
  readonly desired: Readonly<Record<string, Value>>;
}

/** A method to be called. */
export interface CallCommand extends Request, Trial {
  /** Name in the `methods` of the mapping. */
  readonly method: string;
  readonly arguments: Readonly<Record<string, Value>>;
}

/** Settings of the gateway itself to be changed, where the configuration lets them (`cloudMayChange`). */
export interface SettingCommand extends Request, Trial {
  /** By name: `logLevel`, or a point and what is set of it, e.g. `motorCurrent.interval`. Durations as the configuration writes them. */
  readonly settings: Readonly<Record<string, Scalar>>;
}

/** The second person's yes to the command of the same id, which waits for it. */
export interface Approval extends Request {
  readonly approves: true;
}

export function isCall(command: Command): command is CallCommand {
  return 'method' in command;
}

export type CommandKind = 'write' | 'call' | 'settings' | 'approval';

export function commandKind(command: Command): CommandKind {
  if ('desired' in command) return 'write';
  if (isCall(command)) return 'call';
  return 'settings' in command ? 'settings' : 'approval';
}

/** MQTT 5 request/response: a topic, and data the sender knows its request by. */
export interface ReplyTo {
  readonly topic: string;
  readonly correlationData?: Uint8Array;
}

/** The answer to a command; every command gets one, a refused one too. */
export interface CommandResult {
  readonly id: string;
  readonly device: string;
  /**
   * `unknown`: a method was called, and the answer never came. `held`: it waits for a second person's approval; the answer to that
   * tells what became of it. `checked`: a dry run that would have been done.
   */
  readonly status: 'done' | 'refused' | 'failed' | 'unknown' | 'held' | 'checked';
  /** By point name; empty where none is written. */
  readonly points: Readonly<Record<string, PointResult>>;
  /** The method that was called or refused. */
  readonly method?: string;
  /** What the method gave back, by name; only of a call that was done. */
  readonly outputs?: Readonly<Record<string, Value | null>>;
  /** By name; only of settings. They hold until the gateway starts anew. */
  readonly settings?: Readonly<Record<string, SettingResult>>;
  /** Until when a held command waits; UTC, milliseconds since 1970. */
  readonly heldUntilTimeMs?: number;
  /** Why the whole command was refused, before any point was looked at, or why the call failed. */
  readonly error?: ResultError;
  /** Copied from the command by whoever sends the result. */
  readonly replyTo?: ReplyTo;
}

export interface ResultError {
  readonly code: ErrorCode;
  readonly message: string;
}

/** What the result of a command begins with. */
export function resultHead(command: Command): Pick<CommandResult, 'id' | 'device' | 'method'> {
  const { id, device } = command;
  return isCall(command) ? { id, device, method: command.method } : { id, device };
}

export interface PointResult {
  readonly status: 'written' | 'refused' | 'failed' | 'unknown' | 'checked';
  /** What was read back after the write, as an engineering value. */
  readonly value?: Value | null;
  /** Of a dry run: what the device would have been given. */
  readonly deviceValue?: Value;
  readonly error?: ResultError;
}

export interface SettingResult {
  readonly status: 'changed' | 'refused' | 'checked';
  /** What holds now. */
  readonly value?: Scalar;
  readonly error?: ResultError;
}
