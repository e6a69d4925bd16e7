import { type Gap, messageId, type Stored, type TwinMessage } from '../../model/twin-message.ts';
import { isCompound, type JsonValue, mapScalars, type Value } from '../../model/value.ts';
import type { ShapeContext } from './shape.ts';

/** What a body is made of: one stored message and the circumstances of this attempt to send it. */
export interface Sending extends Pick<ShapeContext, 'gateway' | 'historyAfterMs'> {
  /** The gateway's and the twin's, merged. */
  readonly labels: Readonly<Record<string, string>>;
  readonly stored: Stored;
  /** UTC, milliseconds since 1970. */
  readonly sentTimeMs: number;
}

export function sendingOf({ gateway, historyAfterMs, labelsOf }: ShapeContext, stored: Stored, sentTimeMs: number): Sending {
  return { gateway, historyAfterMs, labels: labelsOf(stored.message.twin), stored, sentTimeMs };
}

export type JsonObject = Readonly<Record<string, unknown>>;

/** What our own bodies begin with: who, what, which one of which sequence. */
export function envelope(schema: string, { gateway, labels, stored, sentTimeMs }: Sending): JsonObject {
  const { class: urgency, message, sequence, epoch } = stored;
  return {
    schema,
    id: messageId(gateway, stored),
    gateway,
    twin: message.twin,
    ...(message.model === undefined ? {} : { model: message.model }),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    class: urgency,
    seq: sequence,
    epoch,
    sent: isoTime(sentTimeMs),
    ...clockMarks(message),
  };
}

/** Which times of a message were not known when they were stamped; empty where all were. */
export interface ClockMarks {
  /** Of the times in it. */
  readonly clock?: 'unsynchronised' | 'corrected';
  /** What was added to each of them. */
  readonly correctedByMs?: number;
  /** Of the time of sending. */
  readonly sentClock?: 'unsynchronised';
}

export function clockMarks({ clock, isSentDoubted }: TwinMessage): ClockMarks {
  const sent = isSentDoubted === true ? { sentClock: 'unsynchronised' as const } : {};
  if (clock === undefined) return sent;
  const { correctedByMs } = clock;
  return correctedByMs === undefined ? { ...sent, clock: 'unsynchronised' } : { ...sent, clock: 'corrected', correctedByMs };
}

/** Gap, event and status messages carry no values and are the same in every shape that has no form of its own for them. */
export function encodeWithoutValues(input: Sending): JsonObject {
  const { message } = input.stored;
  const history = message.isHistory === true ? { history: true } : {};
  const head = { ...envelope(`gw.${message.kind}/1`, input), ...history };
  if (message.gap !== undefined) return { ...head, gap: encodeGap(message.gap) };
  return { ...head, time: isoTime(message.startTimeMs), ...withoutReserved(message.body ?? {}, head) };
}

export function encodeGap(gap: Gap): JsonObject {
  return {
    reason: gap.reason,
    ...(gap.fromSequence === undefined ? {} : { fromSeq: gap.fromSequence }),
    ...(gap.toSequence === undefined ? {} : { toSeq: gap.toSequence }),
    ...(gap.epoch === undefined ? {} : { epoch: gap.epoch }),
    from: isoTime(gap.fromTimeMs),
    to: isoTime(gap.toTimeMs),
    messages: gap.messages,
    readings: gap.readings,
    ...(gap.points === undefined ? {} : { points: gap.points }),
  };
}

/** What a receiver looks at, whether it is there or not. */
const RESERVED = new Set(['model', 'labels', 'sentClock', 'clock', 'correctedByMs', 'history', 'gap']);

/** A body cannot pretend to be another message. */
function withoutReserved(body: JsonObject, head: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(body).filter(([key]) => !Object.hasOwn(head, key) && !RESERVED.has(key)));
}

export function isHistory({ stored: { message }, sentTimeMs, historyAfterMs }: Sending): boolean {
  if (message.isHistory === true) return true;
  // No value is older than the message: mostly that settles it, and nobody looks for the newest.
  return sentTimeMs - message.startTimeMs > historyAfterMs && sentTimeMs - lastTimeMs(message) > historyAfterMs;
}

/** Of the newest value; UTC, milliseconds since 1970. */
export function lastTimeMs({ startTimeMs, values }: TwinMessage): number {
  let lastOffsetMs = 0;
  for (const timed of Object.values(values)) lastOffsetMs = Math.max(lastOffsetMs, timed.at(-1)?.[0] ?? 0);
  return startTimeMs + lastOffsetMs;
}

/** Integers that a double cannot hold travel as text. */
export function jsonValue(value: Value | null): JsonValue {
  if (isCompound(value)) return mapScalars(value, jsonValue);
  if (typeof value !== 'bigint') return value;
  return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
}

export function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
