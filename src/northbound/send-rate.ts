import { backOffMs } from '../runtime/back-off.ts';

const PAUSE = { firstMs: 1_000, maxMs: 60_000, resetAfterMs: 0 };

/** How much may be in flight towards a hub that throttles: half at each refusal, one more for each full window it takes. */
export class SendRate {
  #share: number;
  #taken = 0;
  #refusals = 0;
  readonly #window: number;
  readonly #random: () => number;

  constructor(window: number, random: () => number) {
    this.#window = window;
    this.#share = window;
    this.#random = random;
  }

  get window(): number {
    return this.#share;
  }

  took(): void {
    this.#refusals = 0;
    this.#taken += 1;
    if (this.#share === this.#window || this.#taken < this.#share) return;
    this.#taken = 0;
    this.#share += 1;
  }

  /** How long to wait before the next, milliseconds. */
  refused(): number {
    this.#refusals += 1;
    this.#taken = 0;
    this.#share = Math.max(1, Math.floor(this.#share / 2));
    return backOffMs(this.#refusals, PAUSE, this.#random);
  }
}
