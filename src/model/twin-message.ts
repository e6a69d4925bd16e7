import type { Quality } from './quality.ts';
import type { Value } from './value.ts';

/** `[milliseconds after startTimeMs, value, quality unless good, status unless good]` */
export type TimedValue =
  | readonly [offsetMs: number, value: Value | null]
  | readonly [offsetMs: number, value: Value | null, quality: Quality, status: string];

export const MESSAGE_KINDS = ['telemetry', 'property', 'event', 'gap', 'status'] as const;
export type MessageKind = (typeof MESSAGE_KINDS)[number];

/** How urgent messages are, the most urgent first. Each class has its own share of the spool and its own sequence for each twin. */
export const MESSAGE_CLASSES = ['alarm', 'property', 'telemetry'] as const;
export type MessageClass = (typeof MESSAGE_CLASSES)[number];

const CLASS_OF_KIND: Readonly<Record<MessageKind, MessageClass>> = {
  ...{ event: 'alarm', property: 'property', status: 'property', telemetry: 'telemetry', gap: 'telemetry' },
};

/** A gap record that the spool writes is of the class of what it declares; any other tells of telemetry. */
export function classOf({ kind }: Pick<TwinMessage, 'kind'>): MessageClass {
  return CLASS_OF_KIND[kind];
}

/** What is missing and why: the answer to every silence. */
export interface Gap {
  /** e.g. `overflow`, `expired`, `damaged`, `thinned`, `too-large`, `rejected`. */
  readonly reason: string;
  /** First and last sequence number that will never arrive, where they are known. */
  readonly fromSequence?: number;
  readonly toSequence?: number;
  /** Of these sequence numbers, where it is not the epoch of the gap record itself. */
  readonly epoch?: string;
  /** Source times of the first and last missing reading; UTC, milliseconds since 1970. */
  readonly fromTimeMs: number;
  readonly toTimeMs: number;
  readonly messages: number;
  readonly readings: number;
  /** Names of the points concerned, where they are known. */
  readonly points?: readonly string[];
}

/** A time that was not known to be right, and what it takes to correct it later. */
export interface ClockDoubt {
  /** The boot of the machine, and what was added to the time since then to have UTC, milliseconds; absent where the device stamped. */
  readonly boot?: string;
  readonly offsetMs?: number;
  /** The right time was learnt since; the times of the message are right with this added, milliseconds. */
  readonly correctedByMs?: number;
}

/** What happened to one twin in one span of time: the batch that every shape is encoded from. Immutable once spooled. */
export interface TwinMessage {
  readonly twin: string;
  /** DTDL model id of the twin. */
  readonly model?: string;
  readonly kind: MessageKind;
  /** Source time of the first reading; UTC, milliseconds since 1970. */
  readonly startTimeMs: number;
  /** By point name, in order of time. Empty for `gap`. Never NaN nor an infinity. */
  readonly values: Readonly<Record<string, readonly TimedValue[]>>;
  readonly gap?: Gap;
  /**
   * Fetched later from the device's own history, or sent after newer ones (`drain: live-first`). Such messages are in order among themselves, and may tell of a time that messages
   * before them have passed; a property in them is not the state of now.
   */
  readonly isHistory?: true;
  /** Present where the gateway did not know the time when it stamped the readings. */
  readonly clock?: ClockDoubt;
  /** At sending the gateway does not know the time either. Never stored. */
  readonly isSentDoubted?: true;
  /** Body of a `status` or `event` message: plain JSON data. */
  readonly body?: Readonly<Record<string, unknown>>;
}

/** A message as it leaves the spool towards one hub. */
export interface Stored {
  /** Messages of one twin are in order within a class; a more urgent class overtakes. */
  readonly class: MessageClass;
  /** Position in the log of its class; rises, not gapless for one hub. Handed back to acknowledge. */
  readonly offset: number;
  /** +1 per message of this twin, class and hub, gapless, kept over restarts. */
  readonly sequence: number;
  /**
   * Changes only when the spool was lost or replaced; another for each class, so that `(gateway, epoch, twin, sequence)` identifies
   * a message at a hub.
   */
  readonly epoch: string;
  readonly message: TwinMessage;
}

/** The id that never changes however often the message is sent. */
export function messageId(gateway: string, stored: Stored): string {
  return `${gateway}:${stored.message.twin}:${stored.epoch}:${stored.sequence}`;
}

export function countReadings(message: TwinMessage): number {
  let count = 0;
  for (const values of Object.values(message.values)) count += values.length;
  return count;
}
