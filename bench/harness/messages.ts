import { asyncScheduler, Subject } from 'rxjs';
import type { Draft } from '../../src/model/draft.ts';
import type { DevicePlan } from '../../src/model/plan.ts';
import type { Reading } from '../../src/model/reading.ts';
import { operators } from '../../src/pipeline/operators/index.ts';
import { createPipeline } from '../../src/pipeline/pipeline.ts';
import { deviceOf } from '../../test/support/device.ts';

export const READINGS_PER_MESSAGE = 50;

/** A device whose messages hold about 50 readings: a batch is 50 readings, every point has a scale and a range. */
export function benchDevice(twin: string): DevicePlan {
  const point = { scale: 0.5, range: { min: -1_000_000, max: 1_000_000 } };
  const points = Array.from({ length: READINGS_PER_MESSAGE }, (_, index) => [`point${String(index).padStart(2, '0')}`, point]);
  return deviceOf({ twin, points: Object.fromEntries(points), message: { maxBytes: 1_700, maxAgeMs: 1_000 } });
}

/** One batch of a device; every value is another one each time. */
export function benchBatch({ points }: DevicePlan, round: number, timeMs: number): readonly Reading[] {
  return points.map(({ point }, index) => ({ point, value: round + index * 7, quality: 'good', sourceTimeMs: timeMs }));
}

/** At least so many messages as the pipeline makes them. */
export function benchDrafts(twin: string, count: number): readonly Draft[] {
  const device = benchDevice(twin);
  const readings = new Subject<readonly Reading[]>();
  const drafts: Draft[] = [];
  const subscription = readings.pipe(createPipeline(device, operators, asyncScheduler)).subscribe((draft) => drafts.push(draft));
  for (let round = 0; drafts.length < count; round += 1)
    readings.next(benchBatch(device, round, 1_767_225_600_000 + round * 100));
  subscription.unsubscribe();
  return drafts;
}
