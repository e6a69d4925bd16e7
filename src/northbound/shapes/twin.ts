import type { TimedValue, TwinMessage } from '../../model/twin-message.ts';
import { type Scalar, someScalar } from '../../model/value.ts';
import { encodeWithoutValues, envelope, isHistory, type JsonObject, jsonValue, type Sending } from './envelope.ts';

/** The default shape: values by name as `[milliseconds after t0, value, quality unless good, status unless good]`. */
export function encodeTwin(input: Sending): JsonObject {
  const { kind, startTimeMs, values } = input.stored.message;
  if (kind !== 'telemetry' && kind !== 'property') return encodeWithoutValues(input);
  return {
    ...envelope(`gw.${kind}/1`, input),
    t0: startTimeMs,
    values: encodeValues(values),
    history: isHistory(input),
  };
}

/** As they are, unless an integer among them is too long for JSON. */
function encodeValues(values: TwinMessage['values']): JsonObject {
  if (!hasLong(values)) return values;
  return Object.fromEntries(Object.entries(values).map(([name, timed]) => [name, timed.map(encodeTimed)]));
}

/** Plain loops: every value of every message passes here. */
function hasLong(values: TwinMessage['values']): boolean {
  for (const name in values) {
    for (const timed of values[name] ?? []) if (someScalar(timed[1], isLong)) return true;
  }
  return false;
}

function isLong(scalar: Scalar): boolean {
  return typeof scalar === 'bigint';
}

function encodeTimed([offsetMs, value, ...quality]: TimedValue): readonly unknown[] {
  return [offsetMs, jsonValue(value), ...quality];
}
