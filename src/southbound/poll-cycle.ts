import type { Clock } from '../runtime/clock.ts';

/** Polls that were due and were not made. */
export interface PassedPolls {
  readonly polls: number;
  /** When the first and the last of them were due, on the monotonic clock. */
  readonly firstMs: number;
  readonly lastMs: number;
}

/** The first polls are spread over this time, so that a hundred devices do not ask in the same millisecond, now and ever after. */
const SPREAD_MS = 1_000;

/**
 * When polls are due: every interval, for ever. The moments do not move when a session is lost and another one opened, so that
 * each is either polled or counted as missed, once. All times are on the monotonic clock.
 */
export class PollCycle {
  readonly intervalMs: number;
  readonly #phaseMs: number;
  #dueMs: number | undefined;
  #isUnderWay = false;

  constructor(intervalMs: number, phaseMs = 0) {
    this.intervalMs = intervalMs;
    this.#phaseMs = phaseMs;
  }

  /** The first moment that is not accounted for. */
  get dueMs(): number {
    return this.#dueMs ?? Number.POSITIVE_INFINITY;
  }

  /** From now on polls are due. Does nothing where they are already. */
  begin(nowMs: number): void {
    this.#dueMs ??= nowMs + this.#phaseMs;
  }

  /** The poll that is due is made, perhaps a fraction of a millisecond early, as timers are. */
  make(): void {
    this.#isUnderWay = true;
  }

  /** The poll that was due is accounted for. */
  settle(): void {
    this.#isUnderWay = false;
    this.#dueMs = this.dueMs + this.intervalMs;
  }

  /** Everything that is due up to now is missed, and the poll that was made and not settled. */
  pass(nowMs: number): PassedPolls | undefined {
    return this.#take(Math.max(this.#isUnderWay ? 1 : 0, 1 + Math.floor((nowMs - this.dueMs) / this.intervalMs)));
  }

  /**
   * The same at the beginning of a session; but where the next moment is far away, the last one missed is left: its poll is made
   * late, so that nobody waits an hour for the first value. Begins where nothing was due before.
   */
  resume(nowMs: number): PassedPolls | undefined {
    if (this.#dueMs === undefined) {
      this.begin(nowMs);
      return undefined;
    }
    const passed = 1 + Math.floor((nowMs - this.dueMs) / this.intervalMs);
    return this.#take(this.intervalMs > SPREAD_MS ? passed - 1 : passed);
  }

  #take(polls: number): PassedPolls | undefined {
    if (!(polls > 0)) return undefined;
    this.#isUnderWay = false;
    const firstMs = this.dueMs;
    this.#dueMs = firstMs + polls * this.intervalMs;
    return { polls, firstMs, lastMs: this.#dueMs - this.intervalMs };
  }
}

/** One cycle for each interval, apart from each other. */
export function spreadCycles(intervalsMs: readonly number[]): readonly PollCycle[] {
  return intervalsMs.map((ms, index) => new PollCycle(ms, (Math.min(ms, SPREAD_MS) * index) / intervalsMs.length));
}

/** What the clock on the wall showed, or will show, at a moment of the monotonic clock. */
export function wallTimeMs(clock: Clock, monotonicMs: number): number {
  return Math.round(clock.nowMs() + monotonicMs - clock.monotonicMs());
}
