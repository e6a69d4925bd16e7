/** One line of the table: what the gateway does, beside the limit that was measured (or follows from physics) in the same run. */
export interface Row {
  readonly name: string;
  /** Of `ours` and `limit`, e.g. `requests/s`, `µs CPU/request`. */
  readonly unit: string;
  readonly ours: number;
  readonly limit: number;
  /** `ours` by `limit`. For rates more is better, for costs less. */
  readonly ratio: number;
  /** Of the ratios of the single pairs: 0.1 is ±10 %. */
  readonly spread: number;
  readonly runs: number;
  /** What the limit is, and what to know before believing the ratio. */
  readonly note: string;
}

/** One measurement against what is wanted. */
export function aimRow(name: string, unit: string, ours: number, aim: number, note: string): Row {
  return { name: `${name}, ${unit}`, unit, ours, limit: aim, ratio: ours / aim, spread: 0, runs: 1, note };
}
