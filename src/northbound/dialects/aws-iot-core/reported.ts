import type { Stored, TimedValue } from '../../../model/twin-message.ts';
import type { JsonValue } from '../../../model/value.ts';
import { clockMarks, isoTime, jsonValue } from '../../shapes/envelope.ts';
import { isMap, type JsonMap, mapAt } from './read-json.ts';

/** What the gateway says about its reports; no point has a name that begins with `_`. */
export const GATEWAY_KEY = '_gateway';

/** Of one shadow, what its next report depends on. */
export interface Known {
  /** The last message that was reported. */
  readonly epoch?: string;
  readonly sequence?: number;
  /** Points whose quality was not good when last reported. */
  readonly notGood: ReadonlySet<string>;
  /** The last report said something of its clock. */
  readonly isClockTold?: boolean;
}

/** The state of a message: of each point the last value, and why it is not good. A point without a value is taken out (`null`). */
export function reportOf({ message, sequence, epoch }: Stored, { notGood, isClockTold }: Known): JsonMap {
  const values: Record<string, JsonValue> = {};
  const quality: Record<string, string | null> = {};
  let lastOffsetMs = 0;
  for (const [point, timed] of Object.entries(message.values)) {
    const last: TimedValue | undefined = timed.at(-1);
    if (last === undefined) continue;
    const [offsetMs, value, grade, status] = last;
    lastOffsetMs = Math.max(lastOffsetMs, offsetMs);
    values[point] = jsonValue(value);
    if (grade !== undefined) quality[point] = status ?? grade;
    else if (notGood.has(point)) quality[point] = null;
  }
  const time = isoTime(message.startTimeMs + lastOffsetMs);
  const { clock = isClockTold === true ? null : undefined } = clockMarks(message);
  const told = {
    ...(clock === undefined ? {} : { clock }),
    ...(Object.keys(quality).length === 0 ? {} : { quality }),
  };
  return { ...values, [GATEWAY_KEY]: { epoch, seq: sequence, time, ...told } };
}

/** What an earlier report left in a shadow. */
export function knownOf(reported: JsonMap): Known {
  const { epoch, seq, clock, quality } = mapAt(reported, GATEWAY_KEY);
  return {
    ...(typeof epoch === 'string' && typeof seq === 'number' ? { epoch, sequence: seq } : {}),
    notGood: new Set(isMap(quality) ? Object.keys(quality) : []),
    isClockTold: typeof clock === 'string',
  };
}

/** After a report was taken. */
export function afterReport({ epoch, sequence }: Stored, report: JsonMap, { notGood }: Known): Known {
  const told = mapAt(report, GATEWAY_KEY);
  const quality = mapAt(told, 'quality');
  const next = new Set(notGood);
  for (const [point, status] of Object.entries(quality)) {
    if (status === null) next.delete(point);
    else next.add(point);
  }
  return { epoch, sequence, notGood: next, isClockTold: typeof told.clock === 'string' };
}

/** Whether the shadow holds this message, or one after it: it was taken, and only its answer was lost. */
export function isReported(stored: Stored, known: Known): boolean {
  return known.epoch === stored.epoch && known.sequence !== undefined && stored.sequence <= known.sequence;
}
