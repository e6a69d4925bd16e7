import type { ClockDoubt } from '../model/twin-message.ts';
import { type Clock, systemClock } from './clock.ts';
import type { ClockKnowledge } from './clock-knowledge.ts';
import type { TimeSource } from './time-source.ts';

/** This version cannot have run before: a clock that shows less is not set. */
export const EARLIEST_TIME_MS = Date.UTC(2026, 10, 1);
/** A clock that is set by more than this is told; less is taken over without a word, and time never runs back for it. */
export const STEP_MS = 1_000;
const LOOK_EVERY_MS = 1_000;
const SAVE_EVERY_MS = 600_000;

/** The clock of the machine was set, or it became known whether it is right. */
export interface ClockStep {
  /** What the gateway had for the time, and what it has from now on; UTC, milliseconds since 1970. */
  readonly fromTimeMs: number;
  readonly toTimeMs: number;
  readonly isKnown: boolean;
}

export interface ClockWatch {
  beforeStep(): void;
  stepped(step: ClockStep): void;
  onStep(step: ClockStep): void;
}

export interface GatewayClockOptions {
  readonly source: TimeSource;
  readonly knowledge: ClockKnowledge;
}

/**
 * The time that readings are stamped with: the time since the machine was switched on, and an offset that follows the clock of the
 * machine, looked at once a second. So time goes on evenly between two looks and never runs back, but where the clock was
 * set by more than a second: then the new time counts at once, and whoever stamped by the old one is told before.
 *
 * The time is known to be right where the one who was named says that the clock is set; where nobody was named, when it is not before this
 * version was made, nor before the last time that was known.
 */
export class GatewayClock implements Clock {
  readonly #source: TimeSource;
  readonly #knowledge: ClockKnowledge;
  #offsetMs: number;
  #isKnown: boolean;
  #latestMs = Number.NEGATIVE_INFINITY;
  #steps = 0;

  constructor({ source, knowledge }: GatewayClockOptions) {
    this.#source = source;
    this.#knowledge = knowledge;
    this.#offsetMs = this.#measuredOffsetMs();
    this.#isKnown = this.#judge(false);
    if (this.#isKnown) this.#learn();
  }

  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** How often the clock was set by more than a second. */
  get steps(): number {
    return this.#steps;
  }

  /** What a message has to say that is stamped now; `undefined`: nothing. */
  get doubt(): ClockDoubt | undefined {
    return this.#isKnown ? undefined : { boot: this.#source.boot, offsetMs: Math.round(this.#offsetMs) };
  }

  nowMs(): number {
    this.#latestMs = Math.max(this.#latestMs, Math.round(this.#source.sinceBootMs() + this.#offsetMs));
    return this.#latestMs;
  }

  monotonicMs(): number {
    return this.#source.sinceBootMs();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return systemClock.sleep(ms, signal);
  }

  /** Looks at the clock of the machine; `beforeStep` is called while the old time still counts. */
  look(beforeStep: () => void): ClockStep | undefined {
    const offsetMs = this.#measuredOffsetMs();
    const fromTimeMs = this.nowMs();
    // Against what was shown, which may wait for the clock of the machine since it was set back before.
    const hasStepped = Math.abs(this.#source.wallMs() - fromTimeMs) > STEP_MS;
    const isKnown = this.#judge(hasStepped && this.#isKnown);
    const isNews = hasStepped || isKnown !== this.#isKnown;
    if (isNews) beforeStep();
    this.#offsetMs = offsetMs;
    this.#isKnown = isKnown;
    if (hasStepped) {
      this.#steps += 1;
      this.#latestMs = Number.NEGATIVE_INFINITY;
    }
    if (isKnown) this.#learn();
    return isNews ? { fromTimeMs, toTimeMs: this.nowMs(), isKnown } : undefined;
  }

  /** Looks until the signal is aborted. `stepped` is called before any other time can be asked for, `onStep` once it is on disk. Never rejects. */
  async watch(on: ClockWatch, signal: AbortSignal): Promise<void> {
    let savedMs = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      await this.sleep(LOOK_EVERY_MS, signal).catch(() => {});
      const step = this.look(() => on.beforeStep());
      if (step !== undefined) on.stepped(step);
      if (step !== undefined || this.monotonicMs() - savedMs >= SAVE_EVERY_MS) {
        savedMs = this.monotonicMs();
        await this.#knowledge.save();
      }
      if (step !== undefined) on.onStep(step);
    }
    await this.#knowledge.save();
  }

  #measuredOffsetMs(): number {
    return this.#source.wallMs() - this.#source.sinceBootMs();
  }

  /** `isSetNow`: somebody sets a clock that was known: then the earlier time was wrong, and does not speak against the new one. */
  #judge(isSetNow: boolean): boolean {
    const wallMs = this.#source.wallMs();
    const isSet = this.#source.isSet();
    if (wallMs < EARLIEST_TIME_MS || isSet === false) return false;
    return isSet === true || isSetNow || wallMs + STEP_MS >= this.#knowledge.newestTimeMs;
  }

  #learn(): void {
    this.#knowledge.learn(this.#source.boot, this.#offsetMs, Math.round(this.#source.sinceBootMs() + this.#offsetMs));
  }
}
