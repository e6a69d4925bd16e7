import type { Effort } from './effort.ts';
import { median, spread } from './median.ts';
import type { Row } from './row.ts';

/** Two ways to the same thing, to be measured in turn. A sample gives one number for each row. */
export interface Contest<Metric extends string> {
  readonly rows: Readonly<Record<Metric, RowFacts>>;
  ours(): Promise<Readonly<Record<NoInfer<Metric>, number>>>;
  limit(): Promise<Readonly<Record<NoInfer<Metric>, number>>>;
}

export interface RowFacts {
  readonly name: string;
  readonly unit: string;
  readonly note: string | ((ours: number, limit: number) => string);
}

interface Pair<Metric extends string> {
  readonly ours: Readonly<Record<Metric, number>>;
  readonly limit: Readonly<Record<Metric, number>>;
}

/** What hangs is told, and does not hold up the rest for ever. */
const LONGEST_SAMPLE_MS = 60_000;

/** A B A B …: both sides of a pair see the same machine, and what the machine does meanwhile shows in the spread. */
export async function compare<Metric extends string>(contest: Contest<Metric>, { runs }: Effort): Promise<readonly Row[]> {
  const pairs: Pair<Metric>[] = [];
  for (let run = 0; run <= runs; run += 1) {
    const ours = await bounded(contest.ours(), 'ours');
    const limit = await bounded(contest.limit(), 'the limit');
    const isWarmUp = run === 0;
    if (!isWarmUp) pairs.push({ ours, limit });
  }
  return Object.keys(contest.rows).map((metric) => toRow(contest, metric as Metric, pairs));
}

export function toRow<Metric extends string>(
  contest: Pick<Contest<Metric>, 'rows'>,
  metric: Metric,
  pairs: readonly Pair<Metric>[],
): Row {
  const { name, unit, note } = contest.rows[metric];
  const ours = median(pairs.map((pair) => pair.ours[metric]));
  const limit = median(pairs.map((pair) => pair.limit[metric]));
  const ratios = pairs.map((pair) => pair.ours[metric] / pair.limit[metric]);
  const text = typeof note === 'string' ? note : note(ours, limit);
  return { name, unit, ours, limit, ratio: ours / limit, spread: spread(ratios), runs: pairs.length, note: text };
}

async function bounded<T>(sample: Promise<T>, side: string): Promise<T> {
  const timer = Promise.withResolvers<never>();
  const timeout = setTimeout(() => timer.reject(new Error(`a sample of ${side} did not end`)), LONGEST_SAMPLE_MS);
  try {
    return await Promise.race([sample, timer.promise]);
  } finally {
    clearTimeout(timeout);
  }
}
