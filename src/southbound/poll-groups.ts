import type { Clock } from '../runtime/clock.ts';

/** What is polled together: the points of one device with one interval. */
export interface PollGroup {
  readonly intervalMs: number;
  /** Rejects only when there is no sense in going on. */
  poll(signal: AbortSignal): Promise<void>;
}

export interface PollGroupsOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called when polls were due while the one before was still under way. */
  readonly onSkipped: (polls: number) => void;
}

/** The first polls are spread over this time, so that a hundred devices do not ask in the same millisecond, now and ever after. */
const SPREAD_MS = 1_000;

/**
 * Polls each group at its pace until the signal is aborted; then resolves, when the polls under way have ended. A late poll is
 * skipped and counted, never queued. Rejects with what the first failing poll rejected with, and stops the others.
 */
export async function runPollGroups(groups: readonly PollGroup[], options: PollGroupsOptions): Promise<void> {
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const runs = groups.map((group, index) =>
    run(group, phaseMs(group, index, groups.length), { ...options, signal }).catch((error: unknown) => {
      if (!signal.aborted) failed.abort(error);
    }),
  );
  await Promise.all(runs);
  if (!options.signal.aborted && failed.signal.aborted) throw failed.signal.reason;
}

function phaseMs({ intervalMs }: PollGroup, index: number, groups: number): number {
  return (Math.min(intervalMs, SPREAD_MS) * index) / groups;
}

async function run(group: PollGroup, firstMs: number, { clock, signal, onSkipped }: PollGroupsOptions): Promise<void> {
  let dueMs = clock.monotonicMs() + firstMs;
  while (!signal.aborted) {
    const waitMs = dueMs - clock.monotonicMs();
    if (waitMs > 0) await clock.sleep(waitMs, signal);
    await group.poll(signal);
    // A timer may be a fraction of a millisecond early; the poll was made all the same.
    const missed = Math.max(0, Math.floor((clock.monotonicMs() - dueMs) / group.intervalMs));
    if (missed > 0) onSkipped(missed);
    dueMs += (missed + 1) * group.intervalMs;
  }
}
