import type { TimedValue } from '../../model/twin-message.ts';
import { encodeWithoutValues, envelope, isHistory, isoTime, type JsonObject, jsonValue, type Sending } from './envelope.ts';

/** For receivers that cannot unpack: one object per value, in order of time, nothing left out. */
export function encodeExpanded(input: Sending): JsonObject {
  const { kind, startTimeMs, values } = input.stored.message;
  if (kind !== 'telemetry' && kind !== 'property') return encodeWithoutValues(input);
  const points = Object.entries(values).flatMap(([name, timed]) => timed.map((one) => ({ name, one })));
  return {
    ...envelope(`gw.${kind}.expanded/1`, input),
    points: points.toSorted((a, b) => a.one[0] - b.one[0]).map(({ name, one }) => encodePoint(name, one, startTimeMs)),
    history: isHistory(input),
  };
}

function encodePoint(name: string, [offsetMs, value, quality = 'good', status]: TimedValue, startTimeMs: number): JsonObject {
  const time = isoTime(startTimeMs + offsetMs);
  return { name, value: jsonValue(value), time, quality, ...(status === undefined ? {} : { status }) };
}
