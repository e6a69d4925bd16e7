import { readShape } from './read-shape.ts';

/** What the recipe for receivers (src/northbound/README.md) looks at in a message, whatever its shape. */
export interface ReceivedMessage {
  readonly id: string;
  readonly gateway: string;
  readonly twin: string;
  /** `telemetry` where the message does not say: those of gateways that had one class only. */
  readonly class: string;
  readonly epoch: string;
  readonly sequence: number;
  readonly readings: number;
  readonly isHistory: boolean;
  /** Its times were not known when they were stamped, nor when it was sent. */
  readonly isDoubted: boolean;
  readonly gap?: ReceivedGap;
  /** Of a message that is several packets; `index` from 1. */
  readonly part?: { readonly index: number; readonly count: number };
  /** The message without what may differ from one sending to the next. */
  readonly content: string;
}

export interface ReceivedGap {
  readonly reason: string;
  readonly from?: number;
  readonly to?: number;
  /** Of the numbers, where it is not that of the message. */
  readonly epoch?: string;
  readonly messages: number;
  readonly readings: number;
  /** From its `from` to its `to`, milliseconds; 0 where they are no times. */
  readonly durationMs: number;
}

/** `undefined` for anything but a message of a twin: a status, a result, a foreign payload. */
export function parseMessage(payload: string, properties: Readonly<Record<string, string>> = {}): ReceivedMessage | undefined {
  const parsed = parseObject(payload);
  if (parsed === undefined) return undefined;
  const { body, content, readings, part } = readShape(parsed, properties);
  const { id, gateway, twin, class: named = 'telemetry', epoch, seq, gap, values, points } = body;
  if (typeof id !== 'string' || typeof gateway !== 'string' || typeof twin !== 'string' || typeof epoch !== 'string')
    return undefined;
  if (!isSequence(seq) || typeof named !== 'string') return undefined;
  return {
    ...{ id, gateway, twin, class: named, epoch, sequence: seq, readings: readings ?? countReadings(values, points) },
    isHistory: body.history === true,
    isDoubted: body.clock === 'unsynchronised',
    ...(isObject(gap) ? { gap: toGap(gap) } : {}),
    ...toPart(part),
    content: content ?? JSON.stringify({ ...body, ...MAY_DIFFER, ...(body.clock === undefined ? {} : timesOf(body)) }),
  };
}

const MAY_DIFFER = { class: undefined, sent: undefined, sentClock: undefined, history: undefined };

/** What was sent before the gateway knew the time may come again corrected. */
function timesOf({ gap, points }: Readonly<Record<string, unknown>>) {
  return {
    ...{ t0: undefined, time: undefined, clock: undefined, correctedByMs: undefined },
    ...(isObject(gap) ? { gap: { ...gap, from: undefined, to: undefined } } : {}),
    ...(Array.isArray(points)
      ? { points: points.map((point) => (isObject(point) ? { ...point, time: undefined } : point)) }
      : {}),
  };
}

/** `2/5` */
function toPart(text = ''): Pick<ReceivedMessage, 'part'> {
  const [index = 0, count = 0] = text.split('/').map(Number);
  return isSequence(index) && isSequence(count) ? { part: { index, count } } : {};
}

function toGap({ reason, fromSeq, toSeq, epoch, messages, readings, from, to }: Readonly<Record<string, unknown>>): ReceivedGap {
  return {
    reason: typeof reason === 'string' ? reason : 'unknown',
    ...(isSequence(fromSeq) ? { from: fromSeq } : {}),
    ...(isSequence(toSeq) ? { to: toSeq } : {}),
    ...(typeof epoch === 'string' ? { epoch } : {}),
    messages: typeof messages === 'number' ? messages : 0,
    readings: typeof readings === 'number' ? readings : 0,
    durationMs: Math.max(0, Date.parse(String(to)) - Date.parse(String(from))) || 0,
  };
}

function countReadings(values: unknown, points: unknown): number {
  if (Array.isArray(points)) return points.length;
  if (!isObject(values)) return 0;
  return Object.values(values).reduce<number>((sum, timed) => sum + (Array.isArray(timed) ? timed.length : 0), 0);
}

function parseObject(payload: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const body: unknown = JSON.parse(payload);
    return isObject(body) ? body : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSequence(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1;
}
