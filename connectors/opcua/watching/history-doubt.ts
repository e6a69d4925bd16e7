/** So often the connection may break in a row while history is asked for. */
const MAX_BREAKS = 5;
/** So long nothing is asked then. */
const REST_MS = 900_000;

/**
 * Servers there are that fall over at a question about their history, or answer with more than a client takes. Asked anew after each
 * break they would never come to tell anything: the history is left alone for a while then. Outlives the sessions.
 */
export class HistoryDoubt {
  #unanswered = 0;
  #restUntilMs = Number.NEGATIVE_INFINITY;

  isAtRest(nowMs: number): boolean {
    return nowMs < this.#restUntilMs;
  }

  /** The history is asked for now; monotonic milliseconds. */
  ask(nowMs: number): void {
    this.#unanswered += 1;
    if (this.#unanswered >= MAX_BREAKS) this.#restUntilMs = nowMs + REST_MS;
  }

  /** And the connection still stands. */
  answered(): void {
    this.#unanswered = 0;
    this.#restUntilMs = Number.NEGATIVE_INFINITY;
  }
}
