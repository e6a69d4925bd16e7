export interface FloodLimits {
  /** So many at once, and so many again after a quiet time. */
  readonly burst: number;
  readonly perSecond: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
  heldBack: number;
}

/** Lets a flood of equal things through one by one at a bounded pace, and counts the others: nobody fills a disk from outside. */
export class FloodGate {
  readonly #limits: FloodLimits;
  readonly #monotonicMs: () => number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(limits: FloodLimits, monotonicMs: () => number) {
    this.#limits = limits;
    this.#monotonicMs = monotonicMs;
  }

  /** How many were held back since the last one that passed; `undefined`: this one is held back. `key`: of a bounded set. */
  pass(key: string): number | undefined {
    const bucket = this.#bucketOf(key);
    if (bucket.tokens < 1) {
      bucket.heldBack += 1;
      return undefined;
    }
    bucket.tokens -= 1;
    const { heldBack } = bucket;
    bucket.heldBack = 0;
    return heldBack;
  }

  /** What was held back and told by nobody yet. */
  takeHeldBack(): readonly (readonly [key: string, count: number])[] {
    const counts = [...this.#buckets].flatMap(([key, { heldBack }]) => (heldBack === 0 ? [] : [[key, heldBack] as const]));
    for (const bucket of this.#buckets.values()) bucket.heldBack = 0;
    return counts;
  }

  #bucketOf(key: string): Bucket {
    const { burst, perSecond } = this.#limits;
    const nowMs = this.#monotonicMs();
    const bucket = this.#buckets.get(key) ?? { tokens: burst, atMs: nowMs, heldBack: 0 };
    this.#buckets.set(key, bucket);
    bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) / 1_000) * perSecond);
    bucket.atMs = nowMs;
    return bucket;
  }
}
