/** Burst that may go at once after a silence, in seconds of the pace. */
const BURST_S = 0.25;
/** A hub that refuses is given this share of the pace at least. */
const LEAST_SHARE = 1 / 16;
/** Regained for each second without a refusal. */
const REGAINED_SHARE = 1 / 16;

/** How many messages a second a hub is sent: no more than were bought, half of that after each refusal, slowly more again. */
export class Pace {
  readonly #perSecond: number;
  #share = 1;
  #tokens: number;
  #lastMs: number | undefined;

  /** `perSecond`: absent, as fast as the hub takes them. */
  constructor(perSecond = Number.POSITIVE_INFINITY) {
    this.#perSecond = perSecond;
    this.#tokens = this.#burst;
  }

  /** Messages a second at present. */
  get perSecond(): number {
    return this.#perSecond * this.#share;
  }

  /** Milliseconds until the next message may go, which is taken as sent then. */
  take(nowMs: number): number {
    if (this.#perSecond === Number.POSITIVE_INFINITY) return 0;
    this.#refill(nowMs);
    this.#tokens -= 1;
    return this.#tokens >= 0 ? 0 : (-this.#tokens * 1_000) / this.perSecond;
  }

  /** Whether the next message would have to wait. */
  isSpent(nowMs: number): boolean {
    if (this.#perSecond === Number.POSITIVE_INFINITY) return false;
    this.#refill(nowMs);
    return this.#tokens < 1;
  }

  refused(): void {
    this.#share = Math.max(LEAST_SHARE, this.#share / 2);
  }

  get #burst(): number {
    return Math.max(1, this.perSecond * BURST_S);
  }

  #refill(nowMs: number): void {
    const seconds = (nowMs - (this.#lastMs ?? nowMs)) / 1_000;
    this.#lastMs = nowMs;
    this.#share = Math.min(1, this.#share + seconds * REGAINED_SHARE);
    this.#tokens = Math.min(this.#burst, this.#tokens + seconds * this.perSecond);
  }
}
