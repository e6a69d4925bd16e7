import { type Sample, sample } from '../harness/sample.ts';

/** Counts changes; a sample begins and ends with a delivery, so that half a publishing interval is never taken for a whole. */
export class ChangeCounter {
  #changes = 0;
  #waiting: (() => void)[] = [];

  add(changes: number): void {
    this.#changes += changes;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async sample(forMs: number): Promise<Sample> {
    await this.#delivery();
    return sample(async () => {
      const before = this.#changes;
      const untilMs = performance.now() + forMs;
      do await this.#delivery();
      while (performance.now() < untilMs);
      return this.#changes - before;
    });
  }

  #delivery(): Promise<void> {
    return new Promise((resolve) => void this.#waiting.push(resolve));
  }
}
