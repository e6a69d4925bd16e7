import type { Stored } from '../model/twin-message.ts';
import type { Clock } from '../runtime/clock.ts';
import { type Suspects, TRIAL_AFTER_MS } from './suspects.ts';

export interface TrialsOptions {
  readonly suspects: Suspects;
  readonly clock: Clock;
  /** Aborted at the end of the session. */
  readonly signal: AbortSignal;
  /** Called when something is to be tried: nothing else is to be sent then, and `eachDue` to be called once nothing is under way. */
  readonly onTime: () => void;
}

/** When, in one session, messages that are held back are tried. */
export class Trials {
  readonly #options: TrialsOptions;
  readonly #beganMs: number;
  #isWatching = false;

  constructor(options: TrialsOptions) {
    this.#options = options;
    this.#beganMs = options.clock.monotonicMs();
    options.suspects.sessionBegan();
    this.watch();
  }

  get ageMs(): number {
    return this.#options.clock.monotonicMs() - this.#beganMs;
  }

  /** Idempotent; to be called when something is held back. */
  watch(): void {
    if (this.#isWatching || this.#options.suspects.held === 0) return;
    this.#isWatching = true;
    void this.#lookAfter(TRIAL_AFTER_MS);
    void this.#lookAfter(this.#options.suspects.trialAtLastMs);
  }

  /** Something was taken. */
  took(stored: Stored): void {
    this.#options.suspects.took(stored);
    this.#look();
  }

  /** One after the other, for as long as the hub takes them. */
  async eachDue(send: (stored: Stored) => Promise<void>): Promise<void> {
    const { suspects, signal } = this.#options;
    for (;;) {
      const next = signal.aborted ? undefined : suspects.nextTrial(this.ageMs);
      if (next === undefined) return;
      await send(next);
    }
  }

  async #lookAfter(ms: number): Promise<void> {
    const { clock, signal } = this.#options;
    // Timers may ring a little early.
    while (!signal.aborted && this.ageMs < ms) await clock.sleep(ms - this.ageMs, signal).catch(() => {});
    if (!signal.aborted) this.#look();
  }

  #look(): void {
    const { suspects, onTime } = this.#options;
    if (suspects.isTrialDue(this.ageMs)) onTime();
  }
}
