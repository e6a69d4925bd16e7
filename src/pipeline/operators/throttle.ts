import { z } from 'zod';
import type { DevicePlan, PointPlan } from '../../model/plan.ts';
import type { Reading } from '../../model/reading.ts';
import { duration } from '../../model/schema.ts';
import { remainingMs } from '../alarm.ts';
import type { OperatorDefinition } from '../operator.ts';
import { type TimedSteps, timedOperator, type WakeWithin } from '../timed-operator.ts';

const keys = z.object({
  throttle: duration()
    .optional()
    .meta({
      description:
        'At most one reading in that time; of those between, the newest is sent when the time has passed. A change of quality passes at once',
      examples: ['1 s', '1 min'],
    }),
});

export const throttle: OperatorDefinition = {
  name: 'throttle',
  summary: 'Limits how often a point is sent.',
  keys,
  withholds: true,
  create: (device, scheduler) => timedOperator(scheduler, (wakeWithin) => createSteps(device, wakeWithin)),
};

interface State {
  readonly periodMs: number;
  sent: Reading | undefined;
  sentAtMs: number;
  waiting: Reading | undefined;
}

function createSteps(device: DevicePlan, wakeWithin: WakeWithin): TimedSteps {
  const states = new Map<string, State>();
  for (const plan of device.points) {
    const periodMs = periodOf(plan);
    if (periodMs !== undefined) states.set(plan.point.id, { periodMs, sent: undefined, sentAtMs: 0, waiting: undefined });
  }
  const waiting = new Set<State>();

  const pass = (state: State, reading: Reading, nowMs: number): Reading => {
    state.sent = reading;
    state.sentAtMs = nowMs;
    state.waiting = undefined;
    waiting.delete(state);
    return reading;
  };
  const hold = (state: State, reading: Reading, delayMs: number): void => {
    state.waiting = reading;
    waiting.add(state);
    wakeWithin(delayMs);
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
        const delayMs = remainingMs(state.sentAtMs, state.periodMs, nowMs);
        if (delayMs === 0 || !hasQualityOf(state.sent, reading)) out.push(pass(state, reading, nowMs));
        else hold(state, reading, delayMs);
      }
      return out;
    },
    onTime(nowMs) {
      const out: Reading[] = [];
      for (const state of [...waiting]) {
        const delayMs = remainingMs(state.sentAtMs, state.periodMs, nowMs);
        if (delayMs > 0) wakeWithin(delayMs);
        else if (state.waiting !== undefined) out.push(pass(state, state.waiting, nowMs));
      }
      return out;
    },
    onEnd: () => [...waiting].flatMap((state) => state.waiting ?? []),
  };
}

function periodOf(plan: PointPlan): number | undefined {
  return (plan.keys as z.output<typeof keys>).throttle;
}

function hasQualityOf(sent: Reading | undefined, reading: Reading): boolean {
  return sent !== undefined && sent.quality === reading.quality && sent.status === reading.status;
}
