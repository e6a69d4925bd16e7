/** Rising counts since start; all of them are there from the beginning, so that a chart has no holes. */
const NAMES = [
  'requests',
  'responses',
  'timeouts',
  'retries',
  'exceptions',
  'crc_errors',
  'bad_frames',
  'late_replies',
  'foreign_frames',
  'discarded_bytes',
  'echoes',
  'skipped_polls',
  'unit_probes',
  'block_splits',
] as const;

export type CounterName = (typeof NAMES)[number];
export type Count = (name: CounterName, by?: number) => void;

export interface Counters {
  readonly count: Count;
  values(): Readonly<Record<string, number>>;
}

export function createCounters(): Counters {
  const values = Object.fromEntries(NAMES.map((name) => [name, 0])) as Record<CounterName, number>;
  return {
    count: (name, by = 1) => {
      values[name] += by;
    },
    values: () => ({ ...values }),
  };
}
