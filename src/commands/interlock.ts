import { compileExpression, type Expression } from '../model/expression.ts';
import type { DevicePlan, PointPlan } from '../model/plan.ts';
import type { Reading } from '../model/reading.ts';
import { describeValue, type Value } from '../model/value.ts';
import { type Finding, finding, toFinding } from './finding.ts';

/** An `onlyIf`, with the points whose values it needs. */
export interface Interlock {
  readonly text: string;
  readonly expression: Expression;
  readonly inputs: readonly PointPlan[];
  /** Greatest age of a computed value. */
  readonly maxAgeMs?: number;
}

export function createInterlock(device: DevicePlan, text: string, maxAgeMs?: number): Interlock {
  const expression = compileExpression(
    text,
    device.points.map(({ point }) => point.name),
  );
  const inputs = device.points.filter(({ point }) => expression.names.includes(point.name));
  return { text, expression, inputs, ...(maxAgeMs === undefined ? {} : { maxAgeMs }) };
}

/** Must be true on good values; a missing, uncertain or bad one holds the interlock. `readings` by point id. */
export function checkInterlock(interlock: Interlock, readings: ReadonlyMap<string, Reading>, nowMs: number): Finding | undefined {
  const { text, expression, inputs, maxAgeMs } = interlock;
  const values: [string, Value][] = [];
  for (const { id, name, address } of inputs.map(({ point }) => point)) {
    const reading = readings.get(id);
    if (reading === undefined) return interlocked(text, `there is no value of ${name}`);
    if (reading.quality !== 'good' || reading.value === null) {
      return interlocked(text, `${name} is ${reading.quality} (${reading.status ?? 'no value'})`);
    }
    // A time to come is as wrong as one long past.
    const ageMs = Math.abs(nowMs - reading.sourceTimeMs);
    if (maxAgeMs !== undefined && address === undefined && !(ageMs <= maxAgeMs)) {
      return interlocked(text, `the value of ${name} is ${ageMs} ms old, at most ${maxAgeMs} ms are allowed`);
    }
    values.push([name, reading.value]);
  }
  return judge(text, expression, values);
}

function judge(text: string, expression: Expression, values: readonly [string, Value][]): Finding | undefined {
  try {
    if (expression.evaluate(Object.fromEntries(values)) === true) return undefined;
  } catch (error) {
    return interlocked(text, toFinding(error).message);
  }
  return interlocked(text, values.map(([name, value]) => `${name} is ${describeValue(value)}`).join(', ') || 'it is never true');
}

function interlocked(text: string, reason: string): Finding {
  return finding('COMMAND_INTERLOCKED', `\`onlyIf: ${text}\` does not hold: ${reason}`);
}
