import type { TimedValue } from '../../model/twin-message.ts';
import { encodeWithoutValues, envelope, isHistory, type JsonObject, jsonValue, type Sending } from './envelope.ts';

/** The default shape: values by name as `[milliseconds after t0, value, quality unless good, status unless good]`. */
export function encodeTwin(input: Sending): JsonObject {
  const { kind, startTimeMs, values } = input.stored.message;
  if (kind !== 'telemetry' && kind !== 'property') return encodeWithoutValues(input);
  return {
    ...envelope(`gw.${kind}/1`, input),
    t0: startTimeMs,
    values: Object.fromEntries(Object.entries(values).map(([name, timed]) => [name, timed.map(encodeTimed)])),
    history: isHistory(input),
  };
}

function encodeTimed([offsetMs, value, ...quality]: TimedValue): readonly unknown[] {
  return [offsetMs, jsonValue(value), ...quality];
}
