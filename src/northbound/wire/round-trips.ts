import type { GatewayError } from '../../model/error.ts';

interface Waiter {
  readonly askedMs: number;
  readonly resolve: () => void;
  readonly reject: (error: GatewayError) => void;
}

/**
 * What was sent before a PINGREQ has been read by the hub when its PINGRESP comes: both ends of a connection keep the order (MQTT
 * §4.2). One ping of ours is under way at a time; who asks meanwhile waits for the next one. Pings that keep the connection alive are
 * answered in the same order and are counted as well.
 */
export class RoundTrips {
  readonly #ping: () => void;
  /** One entry for each ping under way, the oldest first. */
  #underWay: Waiter[][] = [];
  #next: Waiter[] = [];

  /** `ping` sends one, and has `sent` called before it returns. */
  constructor(ping: () => void) {
    this.#ping = ping;
  }

  /** Since when the longest waiting one waits, monotonic. */
  get oldestMs(): number | undefined {
    return (this.#underWay.find((waiters) => waiters.length > 0)?.[0] ?? this.#next[0])?.askedMs;
  }

  ask(askedMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#next.push({ askedMs, resolve, reject });
      this.#pingIfIdle();
    });
  }

  sent(): void {
    this.#underWay.push(this.#next);
    this.#next = [];
  }

  answered(): void {
    for (const { resolve } of this.#underWay.shift() ?? []) resolve();
    this.#pingIfIdle();
  }

  fail(error: GatewayError): void {
    const waiting = [...this.#underWay.flat(), ...this.#next];
    this.#underWay = [];
    this.#next = [];
    for (const { reject } of waiting) reject(error);
  }

  #pingIfIdle(): void {
    if (this.#next.length > 0 && this.#underWay.length === 0) this.#ping();
  }
}
