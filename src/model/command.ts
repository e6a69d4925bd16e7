import type { ErrorCode } from './error.ts';
import type { Value } from './value.ts';

/** A request from the hub: points to be written, or a method to be called. Never stored: a late command is a wrong command. */
export type Command = WriteCommand | CallCommand;

interface Request {
  /** Correlation id given by the hub; echoed in the result and used against replay. */
  readonly id: string;
  /** The twin that is meant. */
  readonly device: string;
  /** After this instant the command must not be executed; UTC, milliseconds since 1970. */
  readonly expiresTimeMs: number;
  /** Where the sender wants the result; without it the result goes where the hub's configuration says. */
  readonly replyTo?: ReplyTo;
}

export interface WriteCommand extends Request {
  /** Engineering values by point name. */
  readonly desired: Readonly<Record<string, Value>>;
}

export interface CallCommand extends Request {
  /** Name in the `methods` of the mapping. */
  readonly method: string;
  readonly arguments: Readonly<Record<string, Value>>;
}

export function isCall(command: Command): command is CallCommand {
  return 'method' in command;
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
  /** `unknown`: a method was called, and the answer never came. */
  readonly status: 'done' | 'refused' | 'failed' | 'unknown';
  /** By point name; empty for a call. */
  readonly points: Readonly<Record<string, PointResult>>;
  /** The method that was called or refused. */
  readonly method?: string;
  /** What the method gave back, by name; only of a call that was done. */
  readonly outputs?: Readonly<Record<string, Value | null>>;
  /** Why the whole command was refused, before any point was looked at, or why the call failed. */
  readonly error?: { readonly code: ErrorCode; readonly message: string };
  /** Copied from the command by whoever sends the result. */
  readonly replyTo?: ReplyTo;
}

/** What the result of a command begins with. */
export function resultHead(command: Command): Pick<CommandResult, 'id' | 'device' | 'method'> {
  const { id, device } = command;
  return isCall(command) ? { id, device, method: command.method } : { id, device };
}

export interface PointResult {
  readonly status: 'written' | 'refused' | 'failed' | 'unknown';
  /** What was read back after the write, as an engineering value. */
  readonly value?: Value | null;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}
