/** What a gap record, or what becomes one, says of one point. */
export interface Missed {
  /** When the first of the polls was due. */
  readonly fromTimeMs: number;
  readonly polls: number;
}

/** Times are rounded, and timers ring a fraction of a millisecond early. What is nearly as late as the next poll is no poll of that. */
const EARLY_MS = 3;

/**
 * Of one point, from the first reading to the last: readings that came, polls that were declared missing, without what a stop cut off,
 * and those that were due. Polls are due every interval; readings come after that, and one that is late is followed by
 * polls that were skipped, due before it came.
 */
export function pollBalance(timesMs: readonly number[], missed: readonly Missed[], intervalMs: number) {
  const dueMs = missed[0]?.fromTimeMs ?? leastLate(timesMs, intervalMs);
  const momentOf = (timeMs: number) => Math.floor((timeMs - dueMs + EARLY_MS) / intervalMs);
  const first = momentOf(timesMs[0] ?? 0);
  const skippedFirst = missed.map(({ fromTimeMs }) => momentOf(fromTimeMs)).filter((moment) => moment <= first);
  return {
    received: timesMs.length,
    declared: missed.reduce((sum, { polls }) => sum + polls, 0),
    due: momentOf(timesMs.at(-1) ?? 0) - Math.min(first, ...skippedFirst.map((moment) => moment - 1)) + 1,
  };
}

function leastLate(timesMs: readonly number[], intervalMs: number): number {
  const lateness = (timeMs: number) =>
    timesMs.reduce((sum, otherMs) => sum + ((((otherMs - timeMs) % intervalMs) + intervalMs) % intervalMs), 0);
  return timesMs.reduce((best, timeMs) => (lateness(timeMs) < lateness(best) ? timeMs : best), timesMs[0] ?? 0);
}
