import { countReadings, MESSAGE_KINDS, type TimedValue, type TwinMessage } from '../model/twin-message.ts';
import { isArray, isCompound, type Value } from '../model/value.ts';
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

/** A head as it is written: without names, for there are many. `to` is milliseconds after `from`. */
type HeadRecord = readonly [
  ...[at: number, kind: number, twin: string, from: number, lastMs: number, readings: number],
  hubs: MessageHead['hubs'],
];

export function encodeHead({ at, kind, twin, from, to, readings, hubs }: MessageHead): Buffer {
  const record: HeadRecord = [at, MESSAGE_KINDS.indexOf(kind), twin, from, to - from, readings, hubs];
  return Buffer.from(JSON.stringify(record));
}

/** `undefined` where the bytes are whole and yet no head: treated as damage. */
export function decodeHead(frame: Frame): MessageHead | undefined {
  try {
    const [at, kind, twin, from, lastMs, readings, hubs] = JSON.parse(frame.head.toString()) as HeadRecord;
    return { at, kind: MESSAGE_KINDS[kind] ?? 'telemetry', twin, from, to: from + lastMs, readings, hubs };
  } catch {
    return undefined;
  }
}

/**
 * JSON has no big integers: `5n` is written as `{"$bigint":"5"}`. The names of a structure that begin with `$` are written with
 * one more, so that nothing else can be mistaken for it.
 */
export function encodeMessage(message: TwinMessage): Buffer {
  const needsTags = Object.values(message.values).some((values) => values.some(([, value]) => isTagged(value)));
  return Buffer.from(JSON.stringify(needsTags ? { ...message, values: mapValues(message.values, tag) } : message));
}

/** `undefined` as for the head. */
export function decodeMessage(frame: Frame): TwinMessage | undefined {
  try {
    const text = frame.body.toString();
    const message = JSON.parse(text) as TwinMessage;
    return text.includes('{"$') || text.includes(',"$') ? { ...message, values: mapValues(message.values, untag) } : message;
  } catch {
    return undefined;
  }
}

type Values = TwinMessage['values'];

function mapValues(values: Values, change: (value: Value | null) => unknown): Values {
  const mapped = Object.entries(values).map(([name, list]) => [
    name,
    list.map(([offsetMs, value, ...rest]) => [offsetMs, change(value), ...rest] as unknown as TimedValue),
  ]);
  return Object.fromEntries(mapped) as Values;
}

function isTagged(value: Value | null): boolean {
  if (!isCompound(value)) return typeof value === 'bigint';
  if (!isArray(value) && Object.keys(value).some((name) => name.startsWith('$'))) return true;
  return Object.values(value).some(isTagged);
}

function tag(value: Value | null): unknown {
  if (!isCompound(value)) return typeof value === 'bigint' ? { $bigint: value.toString() } : value;
  if (isArray(value)) return value.map(tag);
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name.startsWith('$') ? `$${name}` : name, tag(part)]));
}

function untag(value: unknown): Value | null {
  if (typeof value !== 'object' || value === null) return value as Value | null;
  if (Array.isArray(value)) return value.map(untag);
  if ('$bigint' in value) return BigInt(String(value.$bigint));
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name.startsWith('$') ? name.slice(1) : name, untag(part)]),
  );
}
