import type { TimedValue, TwinMessage } from '../../model/twin-message.ts';
import { encodeWithoutValues, envelope, isHistory, isoTime, type JsonObject, jsonValue, type Sending } from './envelope.ts';

/** For receivers that cannot unpack: one object per value, in order of time, nothing left out. */
export function encodeExpanded(input: Sending): JsonObject {
  const { message } = input.stored;
  const { kind } = message;
  if (kind !== 'telemetry' && kind !== 'property') return encodeWithoutValues(input);
  return { ...envelope(`gw.${kind}.expanded/1`, input), points: encodeExpandedPoints(message), history: isHistory(input) };
}

export function encodeExpandedPoints({ startTimeMs, values }: TwinMessage): readonly JsonObject[] {
  const points = Object.entries(values).flatMap(([name, timed]) => timed.map((one) => ({ name, one })));
  return points.toSorted((a, b) => a.one[0] - b.one[0]).map(({ name, one }) => encodePoint(name, one, startTimeMs));
}

function encodePoint(name: string, [offsetMs, value, quality = 'good', status]: TimedValue, startTimeMs: number): JsonObject {
  const time = isoTime(startTimeMs + offsetMs);
  return { name, value: jsonValue(value), time, quality, ...(status === undefined ? {} : { status }) };
}
