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

/** Readings of one device that were due, or would have come, and were never made. */
export interface DeviceGap {
  readonly device: string;
  readonly reason: UnmeasuredReason;
  /** All of them miss something. */
  readonly points: readonly Point[];
  /** What is missing lies between; UTC, milliseconds since 1970. */
  readonly fromTimeMs: number;
  readonly toTimeMs: number;
  /** Exact for what is polled; 0 where nobody can know, as for points that are told when they change. */
  readonly readings: number;
  /** Nothing more will be missing for this reason; absent: it lasts until one of the points is measured. */
  readonly isOver?: true;
}
