import type { Line } from '../../dialect.ts';

/** Lets packets through in their order, no more bytes in a second than allowed. */
export class Throughput {
  readonly #bytesPerSecond: number;
  readonly #line: Line;
  #freeAtMs = 0;
  #turn: Promise<void> = Promise.resolve();

  constructor(bytesPerSecond: number, line: Line) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#line = line;
  }

  /** Resolves when it is the turn of these bytes. Rejects when the session is over. */
  pass(bytes: number): Promise<void> {
    const passed = this.#turn.then(() => this.#wait(bytes));
    this.#turn = passed.catch(() => {});
    return passed;
  }

  async #wait(bytes: number): Promise<void> {
    const { clock, over } = this.#line;
    const nowMs = clock.monotonicMs();
    const startMs = Math.max(nowMs, this.#freeAtMs);
    this.#freeAtMs = startMs + (bytes * 1_000) / this.#bytesPerSecond;
    if (startMs > nowMs) await clock.sleep(startMs - nowMs, over);
  }
}
