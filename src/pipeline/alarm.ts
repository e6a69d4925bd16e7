import type { SchedulerLike, Subscription } from 'rxjs';

/** One timer for all points of an operator, so that things due in silence happen too. */
export interface Alarm {
  /** Rings after `delayMs` or earlier. */
  within(delayMs: number): void;
  cancel(): void;
}

/** What a timer can wait, about 25 days; beyond it would ring at once, again and again. */
const MAX_DELAY_MS = 2 ** 31 - 1;

export function createAlarm(scheduler: SchedulerLike, onRing: () => void): Alarm {
  let timer: Subscription | undefined;
  let dueMs = Number.POSITIVE_INFINITY;
  const cancel = (): void => {
    timer?.unsubscribe();
    timer = undefined;
    dueMs = Number.POSITIVE_INFINITY;
  };
  return {
    within(wantedDelayMs) {
      const delayMs = Math.min(wantedDelayMs, MAX_DELAY_MS);
      const wantedMs = scheduler.now() + delayMs;
      if (dueMs <= wantedMs) return;
      cancel();
      dueMs = wantedMs;
      timer = scheduler.schedule(() => {
        cancel();
        onRing();
      }, delayMs);
    },
    cancel,
  };
}

/** Milliseconds of `durationMs` that are left at `nowMs`. Nothing is left when the clock was set back behind `sinceMs`. */
export function remainingMs(sinceMs: number, durationMs: number, nowMs: number): number {
  return nowMs < sinceMs ? 0 : Math.max(0, sinceMs + durationMs - nowMs);
}
