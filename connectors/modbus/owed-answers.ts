/** A unit may still answer a request for so many time-outs after it was given up. */
const LATE_WITHIN_TIMEOUTS = 5;

/** Which units still owe answers to requests that were given up, oldest first. Times are monotonic milliseconds. */
export class OwedAnswers {
  readonly #forgetAfterMs: number;
  readonly #sentMs = new Map<number, readonly number[]>();

  constructor(timeoutMs: number) {
    this.#forgetAfterMs = (1 + LATE_WITHIN_TIMEOUTS) * timeoutMs;
  }

  add(unit: number, sentMs: number): void {
    this.#sentMs.set(unit, [...(this.#sentMs.get(unit) ?? []), sentMs]);
  }

  /** When the oldest request that the unit may still answer was sent. */
  oldestMs(unit: number, nowMs: number): number | undefined {
    const open = (this.#sentMs.get(unit) ?? []).filter((sentMs) => nowMs - sentMs < this.#forgetAfterMs);
    this.#sentMs.set(unit, open);
    return open[0];
  }

  /** One answer came late; when it was asked for, or `undefined` where the unit owed none. */
  settleOldest(unit: number): number | undefined {
    const [oldest, ...others] = this.#sentMs.get(unit) ?? [];
    this.#sentMs.set(unit, others);
    return oldest;
  }

  forget(unit: number): void {
    this.#sentMs.delete(unit);
  }
}
