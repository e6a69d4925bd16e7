import type { CommandResult, PointResult } from '../model/command.ts';
import type { Value } from '../model/value.ts';
import { jsonValue } from './shapes/envelope.ts';

/** `gw.result/1` */
export function encodeResultBody(result: CommandResult): Readonly<Record<string, unknown>> {
  const { id, device, status, method, settings, heldUntilTimeMs, error } = result;
  return {
    schema: 'gw.result/1',
    id,
    twin: device,
    ...(method === undefined ? {} : { method }),
    status,
    ...(heldUntilTimeMs === undefined ? {} : { heldUntil: new Date(heldUntilTimeMs).toISOString() }),
    ...(settings === undefined ? (method === undefined ? pointsOf(result) : outputsOf(result)) : { settings, until: 'restart' }),
    ...(error === undefined ? {} : { error }),
  };
}

function pointsOf({ points }: CommandResult) {
  return { points: Object.fromEntries(Object.entries(points).map(([name, point]) => [name, encodePoint(point)])) };
}

function outputsOf({ outputs }: CommandResult) {
  if (outputs === undefined) return {};
  return { outputs: Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, jsonValue(value)])) };
}

function encodePoint({ status, value, deviceValue, error }: PointResult): Readonly<Record<string, Value | null | object>> {
  return {
    status,
    ...(value === undefined ? {} : { value: jsonValue(value) }),
    ...(deviceValue === undefined ? {} : { deviceValue: jsonValue(deviceValue) }),
    ...(error === undefined ? {} : { error }),
  };
}
