import type { JsonMap } from './read-json.ts';

/** Jobs remembered, the oldest forgotten first. */
const MAX_JOBS = 100;

/** What became of a job, as it is told to AWS. */
export interface JobOutcome {
  readonly status: 'SUCCEEDED' | 'FAILED' | 'REJECTED';
  readonly statusDetails: JsonMap;
}

/** Jobs this process has begun, kept over sessions, so that none is executed twice and every outcome is told. */
export class JobBook {
  readonly #outcomes = new Map<string, JobOutcome | 'under way'>();
  /** Called when an outcome is known; the session of now sets it. */
  onSettled: () => void = () => {};

  get(key: string): JobOutcome | 'under way' | undefined {
    return this.#outcomes.get(key);
  }

  begin(key: string): void {
    this.#outcomes.set(key, 'under way');
    for (const oldest of this.#outcomes.keys()) {
      if (this.#outcomes.size <= MAX_JOBS) return;
      this.#outcomes.delete(oldest);
    }
  }

  settle(key: string, outcome: JobOutcome): void {
    this.#outcomes.set(key, outcome);
    this.onSettled();
  }
}
