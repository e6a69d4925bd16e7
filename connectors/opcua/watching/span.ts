import type { DeviceGap } from '../../../src/model/device-gap.ts';
import type { Point } from '../../../src/model/point.ts';
import type { Reading } from '../../../src/model/reading.ts';
import { isSame } from '../../../src/model/value.ts';
import type { OpcuaPoint } from '../mapping/settings.ts';

/** Time of which a node may hold history that nobody was told: from the last sample before a break to the first after it. */
export interface Span {
  /** Of one node, in one order. */
  readonly points: readonly Point<OpcuaPoint>[];
  /** Moves on with what is fetched: the next session goes on from there. */
  before: readonly Reading[];
  readonly after: readonly Reading[];
  /** Why nobody was told. */
  readonly reason: DeviceGap['reason'];
  /** When the server was last known to tell everything, and when it did again; by our clock. */
  readonly fromTimeMs: number;
  readonly toTimeMs: number;
  /** It was told that something is missing; what can be fetched all the same is welcome. */
  isTold?: boolean;
}

/** It cannot be filled, or not now: what is missing, once. */
export function tellSpan(span: Span): readonly DeviceGap[] {
  if (span.isTold === true || endMs(span) <= startMs(span)) return [];
  span.isTold = true;
  const { points, reason, fromTimeMs, toTimeMs } = span;
  return [...Map.groupBy(points, ({ device }) => device)].map(([device, own]) => {
    return { device, reason, points: own, fromTimeMs, toTimeMs, readings: 0, isOver: true };
  });
}

export function startMs({ before }: Span): number {
  return Math.min(...before.map(({ sourceTimeMs }) => sourceTimeMs));
}

export function endMs({ after }: Span): number {
  return Math.max(...after.map(({ sourceTimeMs }) => sourceTimeMs));
}

/**
 * Of the history of one point, in order of time, what neither `before` nor `after` told. At their very milliseconds, what came up
 * to the one, and from the other on, is known.
 */
export function untold(history: readonly Reading[], before: Reading, after: Reading): readonly Reading[] {
  const between = history.filter(({ sourceTimeMs }) => sourceTimeMs >= before.sourceTimeMs && sourceTimeMs <= after.sourceTimeMs);
  const isLike = (known: Reading) => (reading: Reading) =>
    reading.sourceTimeMs === known.sourceTimeMs && isSame(reading.value, known.value) && reading.quality === known.quality;
  const first = between.findLastIndex(isLike(before)) + 1;
  const end = between.findIndex((reading, at) => at >= first && isLike(after)(reading));
  return between.slice(first, end < 0 ? between.length : end);
}
