import type { GatewayError } from '../../src/model/error.ts';
import type { Clock } from '../../src/runtime/clock.ts';

/** Longer than any frame; what a babbling line sends beyond it is dropped from the front. */
const MAX_BYTES = 4_096;
/** Why an alarm is not needed any more; made once, because an error with its stack costs more than an answer does. */
const NOT_NEEDED = new Error('not needed any more');

interface Waiting {
  readonly settle: (hasArrived: boolean) => void;
  readonly fail: (error: GatewayError) => void;
  /** Monotonic milliseconds. */
  readonly untilMs: number;
}

/** Bytes that came from a port and were not looked at yet. One reader. */
export class Inbox {
  readonly #clock: Clock;
  #bytes: Buffer = Buffer.alloc(0);
  #lastArrivalMs: number;
  #failure: GatewayError | undefined;
  #waiting: Waiting | undefined;
  /** Outlives the answer it was set for: the next one mostly comes before it rings, and needs none of its own. */
  #alarm: { readonly atMs: number; readonly stop: AbortController } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lastArrivalMs = clock.monotonicMs();
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Monotonic milliseconds. */
  get lastArrivalMs(): number {
    return this.#lastArrivalMs;
  }

  append(bytes: Buffer): void {
    this.#bytes = (this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes])).subarray(-MAX_BYTES);
    this.#lastArrivalMs = this.#clock.monotonicMs();
    this.#takeWaiting()?.settle(true);
  }

  drop(count: number): void {
    this.#bytes = this.#bytes.subarray(count);
  }

  /** Whoever waits, now or later, is told. The first failure stays. */
  fail(error: GatewayError): void {
    this.#failure ??= error;
    this.#alarm?.stop.abort(NOT_NEEDED);
    this.#takeWaiting()?.fail(this.#failure);
  }

  /** Whether bytes came within `waitMs`. Rejects with the error of a port that is gone. */
  arrival(waitMs: number): Promise<boolean> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise<boolean>((settle, fail) => {
      const untilMs = this.#clock.monotonicMs() + waitMs;
      this.#waiting = { settle, fail, untilMs };
      this.#ringBy(untilMs);
    });
  }

  #takeWaiting(): Waiting | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }

  /** An alarm that rings earlier will do: it sets the next one. */
  #ringBy(untilMs: number): void {
    if (this.#alarm !== undefined && this.#alarm.atMs <= untilMs) return;
    this.#alarm?.stop.abort(NOT_NEEDED);
    const stop = new AbortController();
    this.#alarm = { atMs: untilMs, stop };
    this.#clock.sleep(untilMs - this.#clock.monotonicMs(), stop.signal).then(
      () => this.#ring(untilMs),
      () => {},
    );
  }

  #ring(atMs: number): void {
    this.#alarm = undefined;
    if (this.#waiting === undefined) return;
    if (this.#waiting.untilMs <= Math.max(atMs, this.#clock.monotonicMs())) this.#takeWaiting()?.settle(false);
    else this.#ringBy(this.#waiting.untilMs);
  }
}
