import type { GatewayError } from '../../src/model/error.ts';
import type { Clock } from '../../src/runtime/clock.ts';

/** Longer than any frame; what a babbling line sends beyond it is dropped from the front. */
const MAX_BYTES = 4_096;

/** Bytes that came from a port and were not looked at yet. One reader. */
export class Inbox {
  readonly #clock: Clock;
  #bytes: Buffer = Buffer.alloc(0);
  #lastArrivalMs: number;
  #failure: GatewayError | undefined;
  #waiting: { readonly arrived: () => void; readonly failed: (error: GatewayError) => void } | undefined;

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
    this.#bytes = Buffer.concat([this.#bytes, bytes]).subarray(-MAX_BYTES);
    this.#lastArrivalMs = this.#clock.monotonicMs();
    this.#waiting?.arrived();
  }

  drop(count: number): void {
    this.#bytes = this.#bytes.subarray(count);
  }

  /** Whoever waits, now or later, is told. The first failure stays. */
  fail(error: GatewayError): void {
    this.#failure ??= error;
    this.#waiting?.failed(this.#failure);
  }

  /** Whether bytes came within `waitMs`. Rejects with the error of a port that is gone. */
  arrival(waitMs: number): Promise<boolean> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const timer = new AbortController();
    return new Promise<boolean>((resolve, reject) => {
      this.#waiting = { arrived: () => resolve(true), failed: reject };
      this.#clock.sleep(waitMs, timer.signal).then(
        () => resolve(false),
        () => {},
      );
    }).finally(() => {
      this.#waiting = undefined;
      timer.abort();
    });
  }
}
