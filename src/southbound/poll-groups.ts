import type { Clock } from '../runtime/clock.ts';
import { type PassedPolls, type PollCycle, wallTimeMs } from './poll-cycle.ts';

/** What is polled together: the points of one device with one interval. */
export interface PollGroup {
  /** Outlives the session where it is to be known what was missed between two of them. */
  readonly cycle: PollCycle;
  /** Rejects only when there is no sense in going on. */
  poll(signal: AbortSignal): Promise<PollOutcome>;
  /** Called with polls that were due and not made. */
  onMissed?(missed: MissedPolls): void;
}

/** `unanswered`: polls that became due meanwhile are missed for the same reason. `stopped`: nothing of it was told. */
export type PollOutcome = 'answered' | 'unanswered' | 'stopped';

export interface MissedPolls {
  /** `device-away`: nobody answered, or there was no session. `poll-skipped`: the poll before took too long. */
  readonly reason: 'device-away' | 'poll-skipped';
  readonly polls: number;
  /** When the first and the last of them were due; UTC, milliseconds since 1970. */
  readonly fromTimeMs: number;
  readonly toTimeMs: number;
}

export interface PollGroupsOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called when polls were due while the one before was still under way. */
  readonly onSkipped: (polls: number) => void;
}

/**
 * Polls each group at its pace until the signal is aborted; then resolves, when the polls under way have ended. A late poll is
 * skipped and counted, never queued. Rejects with what the first failing poll rejected with, and stops the others.
 */
export async function runPollGroups(groups: readonly PollGroup[], options: PollGroupsOptions): Promise<void> {
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const runs = groups.map((group) =>
    run(group, { ...options, signal }).catch((error: unknown) => {
      if (!signal.aborted) failed.abort(error);
    }),
  );
  await Promise.all(runs);
  if (!options.signal.aborted && failed.signal.aborted) throw failed.signal.reason;
}

async function run(group: PollGroup, { clock, signal, onSkipped }: PollGroupsOptions): Promise<void> {
  const { cycle } = group;
  tellMissed(group, 'device-away', cycle.resume(clock.monotonicMs()), clock);
  while (!signal.aborted) {
    const waitMs = cycle.dueMs - clock.monotonicMs();
    if (waitMs > 0) await clock.sleep(waitMs, signal);
    cycle.make();
    const outcome = await group.poll(signal);
    if (outcome === 'stopped') return;
    cycle.settle();
    const skipped = cycle.pass(clock.monotonicMs());
    if (skipped !== undefined) onSkipped(skipped.polls);
    tellMissed(group, outcome === 'unanswered' ? 'device-away' : 'poll-skipped', skipped, clock);
  }
}

function tellMissed(group: PollGroup, reason: MissedPolls['reason'], passed: PassedPolls | undefined, clock: Clock): void {
  if (passed !== undefined) group.onMissed?.({ reason, ...toMissed(passed, clock) });
}

export function toMissed({ polls, firstMs, lastMs }: PassedPolls, clock: Clock): Omit<MissedPolls, 'reason'> {
  return { polls, fromTimeMs: wallTimeMs(clock, firstMs), toTimeMs: wallTimeMs(clock, lastMs) };
}
