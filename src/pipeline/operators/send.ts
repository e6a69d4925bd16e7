import { z } from 'zod';
import type { DevicePlan, PointPlan } from '../../model/plan.ts';
import type { Reading } from '../../model/reading.ts';
import { duration } from '../../model/schema.ts';
import { remainingMs } from '../alarm.ts';
import type { OperatorDefinition } from '../operator.ts';
import { byPoint, rosterOf } from '../roster.ts';
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

/** The same point with another deadband; `undefined` where it is sent by another rule. */
export function withDeadband(plan: PointPlan, deadband: number): PointPlan | undefined {
  const rule = (plan.keys as z.output<typeof keys>).send;
  return rule?.deadband === undefined ? undefined : { ...plan, keys: { ...plan.keys, send: { ...rule, deadband } } };
}

/** What the keys of a point say; shared by all points with the same. */
interface Rule {
  readonly deadband: number;
  readonly atLeastEveryMs: number;
}

/** What is known of a point that is sent again even without a change. */
interface Beat {
  readonly index: number;
  readonly atLeastEveryMs: number;
  last: Reading | undefined;
  sentAtMs: number;
  receivedAtMs: number;
}

function createSteps({ points }: DevicePlan, wakeWithin: WakeWithin): TimedSteps {
  const roster = rosterOf(points);
  const rules = rulesOf(points);
  const sent: (Reading | undefined)[] = points.map(() => undefined);
  const beats = new Map(rules.flatMap((rule, index) => createBeat(rule, index)));

  const pass = (index: number, reading: Reading, beat: Beat | undefined, nowMs: number): Reading => {
    sent[index] = reading;
    if (beat !== undefined) {
      beat.sentAtMs = nowMs;
      wakeWithin(beat.atLeastEveryMs);
    }
    return reading;
  };

  return {
    onReadings(readings, nowMs) {
      const out: Reading[] = [];
      for (const reading of readings) {
        const index = roster.indexOf(reading.point);
        const rule = rules[index];
        if (rule === undefined) {
          out.push(reading);
          continue;
        }
        const beat = receive(beats.get(index), reading, nowMs);
        const isDue = beat !== undefined && isBeatDue(beat, nowMs);
        if (isDue || isNews(sent[index], reading, rule.deadband)) out.push(pass(index, reading, beat, nowMs));
      }
      return out;
    },
    onTime(nowMs) {
      const out: Reading[] = [];
      for (const beat of beats.values()) {
        if (beat.last === undefined) continue;
        const delayMs = remainingMs(beat.sentAtMs, beat.atLeastEveryMs, nowMs);
        if (delayMs > 0) wakeWithin(delayMs);
        else out.push(pass(beat.index, carryOn(beat, beat.last, nowMs), beat, nowMs));
      }
      return out;
    },
  };
}

/** By number of the point; `undefined`: every reading of it is sent. */
function rulesOf(points: readonly PointPlan[]): readonly (Rule | undefined)[] {
  const rules = byPoint(points, ruleOf);
  return points.map((plan, index) => (send.appliesTo?.(plan) === true ? rules[index] : undefined));
}

function ruleOf({ keys: given }: PointPlan): Rule {
  const rule = (given as z.output<typeof keys>).send;
  const ofSpan = ((rule?.deadbandPercent ?? 0) / 100) * (spanOf(given) ?? 0);
  return { deadband: rule?.deadband ?? ofSpan, atLeastEveryMs: rule?.atLeastEvery ?? Number.POSITIVE_INFINITY };
}

function createBeat(rule: Rule | undefined, index: number): readonly (readonly [number, Beat])[] {
  if (rule === undefined || rule.atLeastEveryMs === Number.POSITIVE_INFINITY) return [];
  return [[index, { index, atLeastEveryMs: rule.atLeastEveryMs, last: undefined, sentAtMs: 0, receivedAtMs: 0 }]];
}

function receive(beat: Beat | undefined, reading: Reading, nowMs: number): Beat | undefined {
  if (beat === undefined) return undefined;
  beat.last = reading;
  beat.receivedAtMs = nowMs;
  return beat;
}

function spanOf(given: Readonly<Record<string, unknown>>): number | undefined {
  const { min, max } = (given.range ?? {}) as { readonly min?: number; readonly max?: number };
  return min === undefined || max === undefined ? undefined : max - min;
}

function isBeatDue({ sentAtMs, atLeastEveryMs }: Beat, nowMs: number): boolean {
  return remainingMs(sentAtMs, atLeastEveryMs, nowMs) === 0;
}

/** The device's own clock, carried on by ours: a device whose clock is wrong keeps its order. */
function carryOn(beat: Beat, last: Reading, nowMs: number): Reading {
  const elapsedMs = Math.max(0, nowMs - beat.receivedAtMs);
  beat.receivedAtMs = nowMs;
  beat.last = { ...last, sourceTimeMs: last.sourceTimeMs + elapsedMs };
  return beat.last;
}
