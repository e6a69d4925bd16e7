import type { Clock } from '../../src/runtime/clock.ts';

interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

/** A clock that jumps from one sleeper to the next: a million time-outs in seconds. */
export class FuzzClock implements Clock {
  readonly #sleepers = new Set<Sleeper>();
  #nowMs = 1_000_000;

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason);
      const leave = () => {
        this.#sleepers.delete(sleeper);
        reject(signal?.reason);
      };
      const wake = () => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const sleeper = { dueMs: this.#nowMs + Math.max(0, ms), wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  /** Wakes who sleeps until then, in order of time. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      await turn();
      const next = this.#next();
      if (next === undefined || next.dueMs > untilMs) break;
      this.#wake(next);
    }
    this.#nowMs = untilMs;
    await turn();
  }

  /** Goes to the next sleeper and wakes it; whether there was one. */
  async jump(): Promise<boolean> {
    const next = this.#next();
    if (next === undefined) return false;
    this.#wake(next);
    await turn();
    return true;
  }

  #next(): Sleeper | undefined {
    let next: Sleeper | undefined;
    for (const sleeper of this.#sleepers) if (next === undefined || sleeper.dueMs < next.dueMs) next = sleeper;
    return next;
  }

  #wake(sleeper: Sleeper): void {
    this.#sleepers.delete(sleeper);
    this.#nowMs = Math.max(this.#nowMs, sleeper.dueMs);
    sleeper.wake();
  }
}

/** Lets everything run that waits for a microtask. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
