import { backOffMs } from '../runtime/back-off.ts';

const PAUSE = { firstMs: 1_000, maxMs: 60_000, resetAfterMs: 0 };

/**
 * How much may be in flight towards a hub that throttles: half at each refusal, one more for each full window it takes. `isWary`: one by
 * one at first, twice as much each time all of it is taken.
 */
export class SendRate {
  #share: number;
  #taken = 0;
  #refusals = 0;
  #isGrowing: boolean;
  readonly #window: number;
  readonly #random: () => number;

  constructor(window: number, random: () => number, isWary = false) {
    this.#window = window;
    this.#share = isWary ? 1 : window;
    this.#isGrowing = isWary;
    this.#random = random;
  }

  get window(): number {
    return this.#share;
  }

  took(): void {
    this.#refusals = 0;
    this.#taken += 1;
    if (this.#share === this.#window || (this.#taken < this.#share && !this.#isGrowing)) return;
    this.#taken = 0;
    this.#share += 1;
  }

  /** How long to wait before the next, milliseconds. */
  refused(): number {
    this.#refusals += 1;
    this.#isGrowing = false;
    this.#taken = 0;
    this.#share = Math.max(1, Math.floor(this.#share / 2));
    return backOffMs(this.#refusals, PAUSE, this.#random);
  }
}
