import type { Stored } from '../model/twin-message.ts';
import { backOffMs } from '../runtime/back-off.ts';

const PAUSE = { firstMs: 1_000, maxMs: 60_000, resetAfterMs: 0 };

/**
 * What follows where a hub does not let the gateway publish (0x87). A right that is missing for everything is a mistake that a person will
 * mend: everything waits. One that is missing for some messages, while others are taken, would make those wait for ever: it costs the
 * messages it is about. So a message that is refused is sent again, and given up when another was taken since.
 */
export class Barrier {
  readonly #random: () => number;
  /** By message, how many were taken when it was refused first; at most a window. */
  readonly #refused = new Map<string, number>();
  #taken = 0;
  #takenBefore = 0;
  #isRefusing = false;
  #rounds = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Nothing was taken since it refused. */
  get isClosed(): boolean {
    return this.#rounds > 0;
  }

  /** True where that ends it. */
  took(stored: Stored): boolean {
    this.#taken += 1;
    this.#refused.delete(keyOf(stored));
    const wasClosed = this.isClosed;
    this.#rounds = 0;
    return wasClosed;
  }

  /** Whether the message is one of many, and never will be taken. */
  refused(stored: Stored): boolean {
    const key = keyOf(stored);
    const takenThen = this.#refused.get(key);
    if (takenThen !== undefined && this.#taken > takenThen) {
      this.#refused.delete(key);
      return true;
    }
    if (takenThen === undefined) this.#refused.set(key, this.#taken);
    if (!this.#isRefusing) this.#takenBefore = this.#taken;
    this.#isRefusing = true;
    return false;
  }

  /** After everything in flight is answered: how long to wait before it is sent again, milliseconds. */
  pauseMs(): number {
    if (!this.#isRefusing) return 0;
    this.#isRefusing = false;
    if (this.#taken > this.#takenBefore) return 0;
    this.#rounds += 1;
    return backOffMs(this.#rounds, PAUSE, this.#random);
  }
}

function keyOf({ class: of, offset }: Stored): string {
  return `${of} ${offset}`;
}
