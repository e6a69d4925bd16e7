import { countReadings, type TimedValue, type TwinMessage } from '../model/twin-message.ts';
import type { Frame } from './frame.ts';

/** What is known of a stored message without reading it: enough to count it, to skip it, and to declare its loss. */
export interface MessageHead {
  /** When it was appended; UTC, milliseconds since 1970. */
  readonly at: number;
  readonly twin: string;
  readonly kind: TwinMessage['kind'];
  /** Source times of its first and last reading; UTC, milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  readonly readings: number;
  /** Sequence number by hub. */
  readonly hubs: Readonly<Record<string, number>>;
}

export type MessageFacts = Omit<MessageHead, 'at' | 'hubs'>;

export function factsOf(message: TwinMessage): MessageFacts {
  return {
    twin: message.twin,
    kind: message.kind,
    from: message.startTimeMs,
    to: message.startTimeMs + lastTimeOffsetMs(message),
    readings: countReadings(message),
  };
}

function lastTimeOffsetMs(message: TwinMessage): number {
  let last = 0;
  for (const values of Object.values(message.values)) last = Math.max(last, values.at(-1)?.[0] ?? 0);
  return last;
}

/** `undefined` where the bytes are whole and yet no head: treated as damage. */
export function decodeHead(frame: Frame): MessageHead | undefined {
  try {
    return JSON.parse(frame.head.toString()) as MessageHead;
  } catch {
    return undefined;
  }
}

/** JSON has no big integers: `5n` is written as `{"$bigint":"5"}`, which no other value can be mistaken for. */
export function encodeMessage(message: TwinMessage): Buffer {
  const hasBigint = Object.values(message.values).some((values) => values.some(([, value]) => typeof value === 'bigint'));
  return Buffer.from(JSON.stringify(hasBigint ? { ...message, values: mapValues(message.values, tag) } : message));
}

/** `undefined` as for the head. */
export function decodeMessage(frame: Frame): TwinMessage | undefined {
  try {
    const text = frame.body.toString();
    const message = JSON.parse(text) as TwinMessage;
    return text.includes('{"$bigint":') ? { ...message, values: mapValues(message.values, untag) } : message;
  } catch {
    return undefined;
  }
}

type Values = TwinMessage['values'];

function mapValues(values: Values, change: (value: unknown) => unknown): Values {
  const mapped = Object.entries(values).map(([name, list]) => [
    name,
    list.map(([offsetMs, value, ...rest]) => [offsetMs, change(value), ...rest] as unknown as TimedValue),
  ]);
  return Object.fromEntries(mapped) as Values;
}

function tag(value: unknown): unknown {
  return typeof value === 'bigint' ? { $bigint: value.toString() } : value;
}

function untag(value: unknown): unknown {
  return typeof value === 'object' && value !== null && '$bigint' in value ? BigInt(String(value.$bigint)) : value;
}
