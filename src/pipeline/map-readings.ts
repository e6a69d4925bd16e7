import { type MonoTypeOperatorFunction, map } from 'rxjs';
import type { DevicePlan, PointPlan } from '../model/plan.ts';
import { type Quality, worseQuality } from '../model/quality.ts';
import type { Reading } from '../model/reading.ts';
import { byPoint, rosterOf } from './roster.ts';

export type Step = (reading: Reading) => Reading;

/**
 * An operator without memory: `createStep` makes the step of a point from its keys, once for all points with the same; `undefined` lets
 * readings pass as they are.
 */
export function mapReadings(
  device: DevicePlan,
  createStep: (point: PointPlan) => Step | undefined,
): MonoTypeOperatorFunction<readonly Reading[]> {
  const roster = rosterOf(device.points);
  const steps = byPoint(device.points, createStep);
  return map((readings) => readings.map((reading) => steps[roster.indexOf(reading.point)]?.(reading) ?? reading));
}

/** The same reading, if it is worse already; else with this quality and status. */
export function worsen(reading: Reading, quality: Quality, status: string): Reading {
  if (worseQuality(reading.quality, quality) === reading.quality) return reading;
  return { ...reading, quality, status };
}

/** The reading of a value that the operator cannot work on. */
export function withoutValue(reading: Reading, status: string): Reading {
  return { ...reading, value: null, quality: 'bad', status };
}
