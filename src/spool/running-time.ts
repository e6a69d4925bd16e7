/**
 * How long the spool has been running in all its life, kept with the log. Age is counted in it and not by the clock on the
 * wall, which jumps: a gateway starts in 1970 until it hears of the time, a battery dies, somebody mistypes a year. So no clock
 * can make data old. The price: while the gateway is switched off nothing ages, and at a crash the time since the cursors were
 * last written is not counted; data is kept longer than its bound, never shorter.
 */
export class RunningTime {
  readonly #beforeMs: number;
  readonly #monotonicMs: () => number;
  readonly #startMs: number;

  constructor(beforeMs: number, monotonicMs: () => number) {
    this.#beforeMs = beforeMs;
    this.#monotonicMs = monotonicMs;
    this.#startMs = monotonicMs();
  }

  nowMs(): number {
    return Math.round(this.#beforeMs + this.#monotonicMs() - this.#startMs);
  }
}
