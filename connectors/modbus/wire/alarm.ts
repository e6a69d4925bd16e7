import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../../src/runtime/clock.ts';

/** Why a sleep is not needed any more; made once, because an error with its stack costs more than an answer does. */
const NOT_NEEDED = new Error('not needed any more');

/**
 * Rings when the time for something is over, without a timer for each: it outlives what it was set for, because the next one
 * mostly comes before it rings and needs none of its own. `ring` gives the time at which it is to ring next, if any.
 */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: (nowMs: number) => number | undefined;
  #set: { readonly atMs: number; readonly stop: AbortController } | undefined;

  constructor(clock: Clock, ring: (nowMs: number) => number | undefined) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** An alarm that rings earlier will do. Monotonic milliseconds. */
  ringBy(untilMs: number): void {
    if (this.#set !== undefined && this.#set.atMs <= untilMs) return;
    this.stop();
    const stop = new AbortController();
    this.#set = { atMs: untilMs, stop };
    // Timers come before sockets in a turn of the event loop: on a busy machine what came in time is not looked at yet.
    this.#clock
      .sleep(untilMs - this.#clock.monotonicMs(), stop.signal)
      .then(() => nextTurn(undefined, { signal: stop.signal }))
      .then(
        () => this.#rang(untilMs),
        () => {},
      );
  }

  stop(): void {
    this.#set?.stop.abort(NOT_NEEDED);
    this.#set = undefined;
  }

  #rang(atMs: number): void {
    this.#set = undefined;
    const nextMs = this.#ring(Math.max(atMs, this.#clock.monotonicMs()));
    if (nextMs !== undefined) this.ringBy(nextMs);
  }
}
