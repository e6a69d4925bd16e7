import type { Clock } from '../../../src/runtime/clock.ts';

/** The engineer may be loading the PLC: what was there before comes back soon, or in a long time. */
const FIRST_MS = 2_000;
const LONGEST_MS = 300_000;

interface Retry {
  waitMs: number;
  dueMs: number;
}

/** When to try again what failed, each point for itself: soon at first, then ever more rarely. */
export class Retries {
  readonly #clock: Clock;
  readonly #retries = new Map<string, Retry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `isSlow`: nobody but a person can change it. */
  fail(id: string, { isSlow = false } = {}): void {
    const waitMs = isSlow ? LONGEST_MS : Math.min(LONGEST_MS, 2 * (this.#retries.get(id)?.waitMs ?? FIRST_MS / 2));
    this.#retries.set(id, { waitMs, dueMs: this.#clock.monotonicMs() + waitMs });
  }

  succeed(id: string): void {
    this.#retries.delete(id);
  }

  /** Point ids to try now. */
  due(): readonly string[] {
    const nowMs = this.#clock.monotonicMs();
    return [...this.#retries].filter(([, { dueMs }]) => dueMs <= nowMs).map(([id]) => id);
  }

  /** How long until the next try of the point. */
  waitMs(id: string): number | undefined {
    const retry = this.#retries.get(id);
    return retry === undefined ? undefined : Math.max(0, retry.dueMs - this.#clock.monotonicMs());
  }
}
