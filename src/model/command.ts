import type { ErrorCode } from './error.ts';
import type { Value } from './value.ts';

/** A request from the hub to write points. Never stored: a late command is a wrong command. */
export interface Command {
  /** Correlation id given by the hub; echoed in the result and used against replay. */
  readonly id: string;
  /** The twin whose points are to be written. */
  readonly device: string;
  /** Engineering values by point name. */
  readonly desired: Readonly<Record<string, Value>>;
  /** After this instant the command must not be executed; UTC, milliseconds since 1970. */
  readonly expiresTimeMs: number;
  /** Where the sender wants the result; without it the result goes where the hub's configuration says. */
  readonly replyTo?: ReplyTo;
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
  readonly status: 'done' | 'refused' | 'failed';
  /** By point name. */
  readonly points: Readonly<Record<string, PointResult>>;
  /** Why the whole command was refused, before any point was looked at. */
  readonly error?: { readonly code: ErrorCode; readonly message: string };
  /** Copied from the command by whoever sends the result. */
  readonly replyTo?: ReplyTo;
}

export interface PointResult {
  readonly status: 'written' | 'refused' | 'failed' | 'unknown';
  /** What was read back after the write, as an engineering value. */
  readonly value?: Value | null;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}
