import { countReadings, MESSAGE_KINDS, type TwinMessage } from '../model/twin-message.ts';
import type { Frame } from './frame.ts';
import { BodyDecoder, BodyEncoder } from './message-body.ts';

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

const encoder = new BodyEncoder();
const decoder = new BodyDecoder();

/** The bytes of a message, and what is known of it without reading them. */
export function encodeMessage(message: TwinMessage): { readonly facts: MessageFacts; readonly body: Buffer } {
  const { body, readings, lastMs } = encoder.encode(message);
  const { twin, kind, startTimeMs: from } = message;
  return { facts: { twin, kind, from, to: from + lastMs, readings }, body };
}

/** `undefined` where the bytes are whole and yet no message: treated as damage. */
export function decodeMessage({ body }: Frame): TwinMessage | undefined {
  return decoder.decode(body);
}
