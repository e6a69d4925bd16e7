/** How long to look: the real measurement, or a smoke run that only shows that everything works. */
export interface Effort {
  readonly isQuick: boolean;
  /** Pairs of samples that are compared, after one pair to warm up. */
  readonly runs: number;
  /** About what one sample takes. */
  readonly sampleMs: number;
}

export const FULL: Effort = { isQuick: false, runs: 5, sampleMs: 2_000 };
export const QUICK: Effort = { isQuick: true, runs: 1, sampleMs: 100 };
