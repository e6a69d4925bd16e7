import { z } from 'zod';
import type { DevicePlan, PointPlan } from '../../model/plan.ts';
import type { Reading } from '../../model/reading.ts';
import { duration } from '../../model/schema.ts';
import { remainingMs } from '../alarm.ts';
import type { OperatorDefinition } from '../operator.ts';
import { type TimedSteps, timedOperator, type WakeWithin } from '../timed-operator.ts';
import { isNews } from './is-news.ts';

const keys = z.object({
  send: z
    .strictObject({
      onChange: z.literal(true).optional().meta({ description: 'Every change; the same as an empty deadband' }),
      deadband: z
        .number()
        .nonnegative()
        .optional()
        .meta({ description: 'Sent when the value is more than this away from the value sent last', examples: [0.5] }),
      deadbandPercent: z
        .number()
        .positive()
        .max(100)
        .optional()
        .meta({ description: 'The same in percent of the span of `range`, which must have `min` and `max`', examples: [1] }),
      atLeastEvery: duration()
        .optional()
        .meta({
          description:
            'Sent again after that time even without a change, also when the device is silent; a repeated reading carries the time on',
          examples: ['60 s'],
        }),
    })
    .refine(({ deadband, deadbandPercent }) => deadband === undefined || deadbandPercent === undefined, {
      message: 'either `deadband` or `deadbandPercent`',
    })
    .optional()
    .meta({
      description:
        'Report by exception: only what changed is sent; a change of quality always is. Without it every reading is sent, but of points `as: property` only changes',
      examples: [{ deadband: 0.5, atLeastEvery: '60 s' }],
    }),
});

/** A repeated reading has the source time of the last one received plus the time that has passed here since. */
export const send: OperatorDefinition = {
  name: 'send',
  summary: 'Sends only what changed, and a sign of life.',
  keys,
  withholds: true,
  check(given) {
    const rule = (given as z.output<typeof keys>).send;
    if (rule?.deadbandPercent === undefined || spanOf(given) !== undefined) return [];
    return [
      {
        severity: 'error',
        key: 'send',
        message: '`deadbandPercent` is a part of the span of `range`, but the point has no `range` with `min` and `max`',
        hint: 'add `range: { min: …, max: … }` or use `deadband`',
      },
    ];
  },
  appliesTo: ({ keys: given, point }) => given.send !== undefined || point.kind === 'property',
  create: (device, scheduler) => timedOperator(scheduler, (wakeWithin) => createSteps(device, wakeWithin)),
};

interface State {
  readonly deadband: number;
  readonly atLeastEveryMs: number;
  sent: Reading | undefined;
  sentAtMs: number;
  last: Reading | undefined;
  receivedAtMs: number;
}

function createSteps(device: DevicePlan, wakeWithin: WakeWithin): TimedSteps {
  const states = new Map(
    device.points.filter((plan) => send.appliesTo?.(plan)).map((plan) => [plan.point.id, createState(plan)]),
  );
  const beating = [...states.values()].filter(({ atLeastEveryMs }) => atLeastEveryMs < Number.POSITIVE_INFINITY);

  const pass = (state: State, reading: Reading, nowMs: number): Reading => {
    state.sent = reading;
    state.sentAtMs = nowMs;
    if (state.atLeastEveryMs < Number.POSITIVE_INFINITY) wakeWithin(state.atLeastEveryMs);
    return reading;
  };

  return {
    onReadings(readings, nowMs) {
      const out: Reading[] = [];
      for (const reading of readings) {
        const state = states.get(reading.point.id);
        if (state === undefined) {
          out.push(reading);
          continue;
        }
        state.last = reading;
        state.receivedAtMs = nowMs;
        if (isNews(state.sent, reading, state.deadband) || isBeatDue(state, nowMs)) out.push(pass(state, reading, nowMs));
      }
      return out;
    },
    onTime(nowMs) {
      const out: Reading[] = [];
      for (const state of beating) {
        if (state.last === undefined) continue;
        const delayMs = remainingMs(state.sentAtMs, state.atLeastEveryMs, nowMs);
        if (delayMs > 0) wakeWithin(delayMs);
        else out.push(pass(state, carryOn(state, state.last, nowMs), nowMs));
      }
      return out;
    },
  };
}

function createState({ keys: given }: PointPlan): State {
  const rule = (given as z.output<typeof keys>).send;
  const ofSpan = ((rule?.deadbandPercent ?? 0) / 100) * (spanOf(given) ?? 0);
  return {
    deadband: rule?.deadband ?? ofSpan,
    atLeastEveryMs: rule?.atLeastEvery ?? Number.POSITIVE_INFINITY,
    sent: undefined,
    sentAtMs: 0,
    last: undefined,
    receivedAtMs: 0,
  };
}

function spanOf(given: Readonly<Record<string, unknown>>): number | undefined {
  const { min, max } = (given.range ?? {}) as { readonly min?: number; readonly max?: number };
  return min === undefined || max === undefined ? undefined : max - min;
}

function isBeatDue(state: State, nowMs: number): boolean {
  return remainingMs(state.sentAtMs, state.atLeastEveryMs, nowMs) === 0;
}

/** The device's own clock, carried on by ours: a device whose clock is wrong keeps its order. */
function carryOn(state: State, last: Reading, nowMs: number): Reading {
  const elapsedMs = Math.max(0, nowMs - state.receivedAtMs);
  state.receivedAtMs = nowMs;
  state.last = { ...last, sourceTimeMs: last.sourceTimeMs + elapsedMs };
  return state.last;
}
