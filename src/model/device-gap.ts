import type { DevicePlan } from './plan.ts';
import type { Point } from './point.ts';

/** Why readings that were due were never made. What they mean stands in src/northbound/README.md. */
export const UNMEASURED_REASONS = [
  'device-away',
  'poll-skipped',
  'refused',
  'subscription-gap',
  'queue-overflow',
  'gateway-off',
] as const;
export type UnmeasuredReason = (typeof UNMEASURED_REASONS)[number];

/** Nothing was lost on the way: it was never there. */
export function isUnmeasured(reason: string): reason is UnmeasuredReason {
  return (UNMEASURED_REASONS as readonly string[]).includes(reason);
}

/** A point, or an entry of `events`: within a device their names differ. */
export type MissedPoint = Pick<Point, 'id' | 'device' | 'name'>;

/** Readings of one device that were due, or would have come, and were never made; of `events`, what would have been told. */
export interface DeviceGap {
  readonly device: string;
  readonly reason: UnmeasuredReason;
  /** It is about entries of `events` only: apart from points, which are measured until another moment. */
  readonly isOfEvents?: true;
  /** All of them miss something. */
  readonly points: readonly MissedPoint[];
  /** What is missing lies between; UTC, milliseconds since 1970. */
  readonly fromTimeMs: number;
  readonly toTimeMs: number;
  /** Exact for what is polled; 0 where nobody can know, as for points that are told when they change. */
  readonly readings: number;
  /** Nothing more will be missing for this reason; absent: it lasts until one of the points is measured. */
  readonly isOver?: true;
}

/** What a device can miss: the points that are read, and its events. */
export function whatIsMissed(device: Pick<DevicePlan, 'twin' | 'points' | 'events'>): readonly MissedPoint[] {
  const points = device.points.map(({ point }) => point);
  return [...points.filter(({ address, access }) => address !== undefined && access !== 'write'), ...eventsOf(device)];
}

export function eventsOf({ twin, events = [] }: Pick<DevicePlan, 'twin' | 'events'>): readonly MissedPoint[] {
  return events.map(({ name }) => ({ id: `${twin}/${name}`, device: twin, name }));
}
