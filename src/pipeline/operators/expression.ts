import { type MonoTypeOperatorFunction, map } from 'rxjs';
import { z } from 'zod';
import { compileExpression, type Expression } from '../../model/expression.ts';
import type { DevicePlan, PointPlan } from '../../model/plan.ts';
import { worseQuality } from '../../model/quality.ts';
import { badReading, type Reading } from '../../model/reading.ts';
import type { Value } from '../../model/value.ts';
import type { Step } from '../map-readings.ts';
import type { OperatorDefinition } from '../operator.ts';
import { rangeStep } from './range.ts';

const keys = z.object({
  expression: z
    .string()
    .min(1)
    .optional()
    .meta({
      description:
        'Derived point: computed from other points of the device, on their last known values, whenever one of them arrives. It has no address. Quality is the worst and time the newest of those values',
      examples: ['oilTemperature - ambientTemperature', 'emergencyStop ? "stopped" : "ready"'],
    }),
});

const NOT_BESIDE = ['scale', 'offset', 'labels'];

/** A derived point may use derived points that stand above it in the mapping. */
export const expression: OperatorDefinition = {
  name: 'expression',
  summary: 'Computes derived points from other points of the same device.',
  keys,
  check(given, points, point) {
    const text = given.expression;
    if (typeof text !== 'string') return [];
    const beside = NOT_BESIDE.filter((key) => given[key] !== undefined);
    if (beside.length > 0) {
      return [
        { severity: 'error', key: beside[0] ?? '', message: 'a derived point computes its value; write it into the expression' },
      ];
    }
    const problem = problemOf(text, inputsOf(points, point));
    return problem === undefined ? [] : [{ severity: 'error', key: 'expression', message: problem }];
  },
  create: (device) => derive(device.points.flatMap((point) => createDerived(point, device) ?? [])),
};

function problemOf(text: string, names: readonly string[]): string | undefined {
  try {
    const { names: used } = compileExpression(text, names);
    return used.length > 0 ? undefined : 'the expression uses no point, so it would never be computed';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

interface Derived {
  readonly plan: PointPlan;
  readonly expression: Expression;
  readonly withinRange: Step | undefined;
}

function createDerived(plan: PointPlan, device: DevicePlan): Derived | undefined {
  const text = (plan.keys as z.output<typeof keys>).expression;
  if (text === undefined) return undefined;
  const names = device.points.map(({ point }) => point.name);
  return { plan, expression: compileExpression(text, inputsOf(names, plan.point.name)), withinRange: rangeStep(plan) };
}

function inputsOf(names: readonly string[], own: string | undefined): readonly string[] {
  return names.filter((name) => name !== own);
}

function derive(all: readonly Derived[]): MonoTypeOperatorFunction<readonly Reading[]> {
  const users = new Map<string, Derived[]>();
  for (const derived of all) {
    for (const name of derived.expression.names) users.set(name, [...(users.get(name) ?? []), derived]);
  }
  const last = new Map<string, Reading>();

  return map((readings) => {
    const out: Reading[] = [];
    const due = new Set<Derived>();
    const fresh = new Set<string>();
    const take = (reading: Reading): void => {
      out.push(reading);
      const { name } = reading.point;
      const its = users.get(name);
      if (its === undefined) return;
      last.set(name, reading);
      fresh.add(name);
      for (const derived of its) due.add(derived);
    };
    const compute = (): void => {
      for (const derived of all) {
        if (!due.has(derived)) continue;
        const reading = computeOne(derived, last);
        if (reading !== undefined) take(reading);
      }
      due.clear();
      fresh.clear();
    };
    for (const reading of readings) {
      // A batch may hold several readings of one point: each is worth a result.
      if (fresh.has(reading.point.name)) compute();
      take(reading);
    }
    compute();
    return out;
  });
}

/** `undefined` until every input has arrived once. */
function computeOne({ plan: { point }, expression: compiled, withinRange }: Derived, last: ReadonlyMap<string, Reading>) {
  const inputs: Reading[] = [];
  for (const name of compiled.names) {
    const input = last.get(name);
    if (input === undefined) return undefined;
    inputs.push(input);
  }
  const worst = inputs.reduce((a, b) => (worseQuality(a.quality, b.quality) === a.quality ? a : b));
  const sourceTimeMs = Math.max(...inputs.map((input) => input.sourceTimeMs));
  const reading: Reading = { ...worst, point, sourceTimeMs, value: null };
  if (inputs.some(({ value }) => value === null)) return reading;
  try {
    const computed = { ...reading, value: compiled.evaluate(valuesOf(inputs)) };
    return withinRange?.(computed) ?? computed;
  } catch {
    return badReading(point, 'BadTypeMismatch', sourceTimeMs);
  }
}

function valuesOf(inputs: readonly Reading[]): Readonly<Record<string, Value>> {
  const values: Record<string, Value> = {};
  for (const { point, value } of inputs) if (value !== null) values[point.name] = value;
  return values;
}
