import type { GatewayError } from '../../../src/model/error.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import { Alarm } from './alarm.ts';
import type { Receiver } from './receiver.ts';

/** Longer than any frame; what a babbling line sends beyond it is dropped from the front. */
const MAX_BYTES = 4_096;

interface Waiting {
  readonly settle: (hasArrived: boolean) => void;
  readonly fail: (error: GatewayError) => void;
  /** Monotonic milliseconds. */
  readonly untilMs: number;
}

/** Bytes that came from a port and were not looked at yet. One reader. */
export class Inbox implements Receiver {
  readonly #clock: Clock;
  readonly #alarm: Alarm;
  #bytes: Buffer = Buffer.alloc(0);
  #lastArrivalMs: number;
  #failure: GatewayError | undefined;
  #waiting: Waiting | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lastArrivalMs = clock.monotonicMs();
    this.#alarm = new Alarm(clock, (nowMs) => this.#ring(nowMs));
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Monotonic milliseconds. */
  get lastArrivalMs(): number {
    return this.#lastArrivalMs;
  }

  get isIdle(): boolean {
    return this.#waiting === undefined && this.#bytes.length === 0;
  }

  append(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]).subarray(-MAX_BYTES);
    this.#lastArrivalMs = this.#clock.monotonicMs();
    this.#takeWaiting()?.settle(true);
  }

  drop(count: number): void {
    this.#bytes = this.#bytes.subarray(count);
  }

  /** Whoever waits, now or later, is told. The first failure stays. */
  fail(error: GatewayError): void {
    this.#failure ??= error;
    this.#alarm.stop();
    this.#takeWaiting()?.fail(this.#failure);
  }

  /** Whether bytes came within `waitMs`. Rejects with the error of a port that is gone. */
  arrival(waitMs: number): Promise<boolean> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise<boolean>((settle, fail) => {
      const untilMs = this.#clock.monotonicMs() + waitMs;
      this.#waiting = { settle, fail, untilMs };
      this.#alarm.ringBy(untilMs);
    });
  }

  #takeWaiting(): Waiting | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }

  #ring(nowMs: number): number | undefined {
    if (this.#waiting === undefined) return undefined;
    if (this.#waiting.untilMs > nowMs) return this.#waiting.untilMs;
    this.#takeWaiting()?.settle(false);
    return undefined;
  }
}
