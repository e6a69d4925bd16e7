export interface WorkLoopOptions {
  /** One piece of work at a time; rejects when the disk does. */
  readonly work: () => Promise<void>;
  /** Longest time between two pieces of work. */
  readonly idleMs: number;
  /** At the first failure of a row, and at each change of its text. */
  readonly onFailure: (error: unknown) => void;
  readonly onHealed: () => void;
}

const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 5_000;

/** Runs the work when it is due, never twice at once; after a failure again and again, slower each time, until it succeeds. */
export class WorkLoop {
  readonly #options: WorkLoopOptions;
  #timer: NodeJS.Timeout | undefined;
  #dueMs = Number.POSITIVE_INFINITY;
  #running: Promise<void> | undefined;
  #error: unknown;
  #failures = 0;
  #isFinished = false;

  constructor(options: WorkLoopOptions) {
    this.#options = options;
  }

  /** The last failure, until the work succeeds again. */
  get error(): unknown {
    return this.#failures === 0 ? undefined : this.#error;
  }

  /** At the latest then; while the disk is ill, when the next attempt is due. */
  schedule(inMs: number): void {
    const isBackingOff = this.#failures > 0 && this.#running === undefined;
    if (!isBackingOff) this.#arm(inMs);
  }

  /** One last piece of work; no timer is left. */
  async finish(): Promise<void> {
    this.#isFinished = true;
    clearTimeout(this.#timer);
    await this.#running;
    await this.#attempt();
  }

  #arm(inMs: number): void {
    const dueMs = performance.now() + inMs;
    if (dueMs >= this.#dueMs || this.#isFinished) return;
    clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    if (this.#running === undefined) this.#timer = setTimeout(() => this.#start(), inMs);
  }

  #start(): void {
    this.#dueMs = Number.POSITIVE_INFINITY;
    this.#running = this.#attempt().then(() => {
      this.#running = undefined;
      const againMs = this.#dueMs - performance.now();
      this.#dueMs = Number.POSITIVE_INFINITY;
      const retryMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(this.#failures - 1, 20));
      this.#arm(this.#failures > 0 ? retryMs : Math.max(0, Math.min(againMs, this.#options.idleMs)));
    });
  }

  async #attempt(): Promise<void> {
    try {
      await this.#options.work();
      if (this.#failures > 0) this.#options.onHealed();
      this.#failures = 0;
    } catch (error) {
      const isNews = this.#failures === 0 || String(error) !== String(this.#error);
      this.#failures += 1;
      this.#error = error;
      if (isNews) this.#options.onFailure(error);
    }
  }
}
