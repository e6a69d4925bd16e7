import { z } from 'zod';
import type { Remark } from '../../model/declaration.ts';
import type { DevicePlan, PointPlan } from '../../model/plan.ts';
import type { Point } from '../../model/point.ts';
import type { PointDescription } from '../../model/point-description.ts';
import type { Reading } from '../../model/reading.ts';
import { duration } from '../../model/schema.ts';
import { remainingMs } from '../alarm.ts';
import type { OperatorDefinition } from '../operator.ts';
import { type TimedSteps, timedOperator, type WakeWithin } from '../timed-operator.ts';
import { AGGREGATE_FUNCTIONS, type AggregateFunction, AggregateWindow } from './aggregate-window.ts';

const keys = z.object({
  aggregate: z
    .strictObject({
      every: duration()
        .refine((everyMs) => everyMs > 0, 'longer than zero')
        .meta({
          description: 'Length of a window; windows begin at multiples of it since 1970 UTC',
          examples: ['10 s', '1 min'],
        }),
      functions: z
        .array(z.enum(AGGREGATE_FUNCTIONS))
        .min(1)
        .refine((functions) => new Set(functions).size === functions.length, 'each function once')
        .meta({
          description:
            'What is computed of each window. With one function the point keeps its name; with several each result has its own: `motorCurrentMean`, `motorCurrentMax`',
          examples: [['mean', 'min', 'max']],
        }),
    })
    .optional()
    .meta({
      description:
        'Sends one result for each window instead of the readings, with the time of its end and the worst quality in it. Booleans count as 0 and 1; a silent device keeps its last value',
      examples: [{ every: '10 s', functions: ['mean', 'min', 'max'] }],
    }),
});

export const aggregate: OperatorDefinition = {
  name: 'aggregate',
  summary: 'Mean, extremes, sums and the like over windows of time.',
  keys,
  withholds: true,
  check: (given, points, point) => (point === undefined ? [] : collisions(rulesOf(given), points, point)),
  expand: (plan) => targets(plan).map(({ plan: target }) => target),
  describe: (given, point) => describeResults(rulesOf(given), point),
  create: (device, scheduler) => timedOperator(scheduler, (wakeWithin) => createSteps(device, wakeWithin)),
};

type Rules = NonNullable<z.output<typeof keys>['aggregate']>;

function rulesOf(given: Readonly<Record<string, unknown>>): Rules | undefined {
  return (given as z.output<typeof keys>).aggregate;
}

const MAX_NAME_CHARACTERS = 512;

function collisions(rules: Rules | undefined, points: readonly string[], point: string): readonly Remark[] {
  if (rules === undefined || rules.functions.length < 2) return [];
  return rules.functions
    .map((name) => resultName(point, name))
    .filter((name) => points.includes(name) || name.length > MAX_NAME_CHARACTERS)
    .map((name) => ({
      severity: 'error',
      key: 'aggregate',
      message: points.includes(name)
        ? `the result would be named \`${name}\`, but another point has that name`
        : `the result would be named \`${name.slice(0, 20)}…\`, longer than ${MAX_NAME_CHARACTERS} characters`,
      hint: 'rename one of the points',
    }));
}

function resultName(point: string, name: AggregateFunction): string {
  return `${point}${name[0]?.toUpperCase()}${name.slice(1)}`;
}

interface Target {
  readonly name: AggregateFunction;
  readonly plan: PointPlan;
}

function targets(plan: PointPlan): readonly Target[] {
  const { aggregate: rules, ...others } = plan.keys as z.output<typeof keys>;
  const [only, ...more] = rules?.functions ?? [];
  if (only === undefined) return [];
  if (more.length === 0) return [{ name: only, plan }];
  return [only, ...more].map((name) => ({ name, plan: { point: resultPoint(plan.point, name), keys: others } }));
}

function resultPoint(point: Point, name: AggregateFunction): Point {
  const { unit, type: _type, ...rest } = point;
  const own = resultName(point.name, name);
  const hasUnit = unit !== undefined && name !== 'count';
  return { ...rest, id: `${point.device}/${own}`, name: own, address: undefined, access: 'read', ...(hasUnit ? { unit } : {}) };
}

const COMPUTED: readonly AggregateFunction[] = ['mean', 'timeWeightedMean', 'sum', 'standardDeviation'];

function describeResults(rules: Rules | undefined, point: PointDescription): readonly PointDescription[] {
  const functions = rules?.functions ?? [];
  if (functions.length === 0) return [point];
  if (functions.length === 1 && functions[0] !== undefined) {
    const { write } = point;
    return [{ ...describeResult(functions[0], point.name, point), ...(write === undefined ? {} : { write }) }];
  }
  return functions.map((name) => describeResult(name, resultName(point.name, name), point));
}

function describeResult(name: AggregateFunction, ofResult: string, point: PointDescription): PointDescription {
  const { unit, min, max, write: _write, ...others } = point;
  if (name === 'count') return { ...others, name: ofResult, type: 'uint32' };
  const limits = { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
  return {
    ...others,
    name: ofResult,
    ...(COMPUTED.includes(name) ? { type: 'float64' } : {}),
    ...(unit === undefined ? {} : { unit }),
    ...(name === 'sum' || name === 'standardDeviation' ? {} : limits),
  };
}

/** One point: its open window, and when to close it if the device is silent. */
interface State {
  readonly everyMs: number;
  /** How long a reading of the window may be on its way. */
  readonly graceMs: number;
  readonly targets: readonly Target[];
  window: AggregateWindow | undefined;
  openedAtMs: number;
  lifeMs: number;
}

function createSteps(device: DevicePlan, wakeWithin: WakeWithin): TimedSteps {
  const states = new Map(device.points.flatMap((plan) => createState(plan) ?? []));

  const onReading = (state: State, reading: Reading, nowMs: number, out: Reading[]): void => {
    const current = state.window;
    const { sourceTimeMs } = reading;
    if (current?.takes(sourceTimeMs) === true) {
      current.add(reading);
      return;
    }
    if (current !== undefined) out.push(...resultsOf(state, current, current.endMs));
    const isLater = current !== undefined && sourceTimeMs >= current.endMs;
    state.window = windowAt(state, sourceTimeMs, isLater ? current.held : undefined);
    state.window.add(reading);
    state.openedAtMs = nowMs;
    state.lifeMs = state.window.endMs - sourceTimeMs + state.graceMs;
    wakeWithin(state.lifeMs);
  };

  /** Windows that passed while this computer slept are left out. */
  const closeInSilence = (state: State, window: AggregateWindow, nowMs: number): readonly Reading[] => {
    const dueMs = state.openedAtMs + state.lifeMs;
    const sleptMs = Math.floor((nowMs - dueMs) / state.everyMs) * state.everyMs;
    const results = resultsOf(state, window, window.endMs);
    const { held } = window;
    state.window = held === undefined ? undefined : windowAt(state, window.endMs + sleptMs, held);
    state.openedAtMs = dueMs + sleptMs;
    state.lifeMs = state.everyMs;
    if (held !== undefined) wakeWithin(remainingMs(state.openedAtMs, state.lifeMs, nowMs));
    return results;
  };

  return {
    onReadings(readings, nowMs) {
      const out: Reading[] = [];
      for (const reading of readings) {
        const state = states.get(reading.point.id);
        if (state === undefined) out.push(reading);
        else onReading(state, reading, nowMs, out);
      }
      return out;
    },
    onTime(nowMs) {
      const out: Reading[] = [];
      for (const state of states.values()) {
        if (state.window === undefined) continue;
        // The clock was set back: the window gets its life anew rather than being cut in two.
        if (nowMs < state.openedAtMs) state.openedAtMs = nowMs;
        const delayMs = remainingMs(state.openedAtMs, state.lifeMs, nowMs);
        if (delayMs > 0) wakeWithin(delayMs);
        else out.push(...closeInSilence(state, state.window, nowMs));
      }
      return out;
    },
    onEnd: () => [...states.values()].flatMap((state) => endOf(state)),
  };
}

function windowAt({ everyMs }: State, timeMs: number, held: Reading | undefined): AggregateWindow {
  return new AggregateWindow(Math.floor(timeMs / everyMs) * everyMs, everyMs, held);
}

function createState(plan: PointPlan): readonly [readonly [string, State]] | undefined {
  const rules = rulesOf(plan.keys);
  if (rules === undefined) return undefined;
  const graceMs = Math.min(plan.point.intervalMs, rules.every);
  const state = { everyMs: rules.every, graceMs, targets: targets(plan), window: undefined, openedAtMs: 0, lifeMs: 0 };
  return [[plan.point.id, state]];
}

/** An unfinished window is sent with the time of its last reading. */
function endOf(state: State): readonly Reading[] {
  const { window } = state;
  return window === undefined || window.isEmpty ? [] : resultsOf(state, window, window.lastTimeMs);
}

function resultsOf(state: State, window: AggregateWindow, timeMs: number): readonly Reading[] {
  return state.targets.map(({ name, plan }) => window.result(name, plan.point, timeMs));
}
