import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * How much is tried. `npm run fuzz` sets FIELDMARSHAL_FUZZ_FRAMES to 200 000 for each protocol and direction; without it a short
 * form runs with the other tests. FIELDMARSHAL_FUZZ_SEED repeats what a run has found.
 */
const wanted = process.env.FIELDMARSHAL_FUZZ_FRAMES;

/** Seeds that have found something are kept for ever; one more is taken by chance each time. */
const KEPT_SEEDS = [5];

export function frames(short: number): number {
  return wanted === undefined ? short : Number(wanted);
}

/** So that a failure can be repeated, the seed stands in the title of its test. */
export function seeds(): readonly number[] {
  const asked = process.env.FIELDMARSHAL_FUZZ_SEED;
  return asked === undefined ? [...KEPT_SEEDS, Math.floor(Math.random() * 2 ** 31)] : [Number(asked)];
}

/** Long enough for the long form on a busy machine. */
export const FUZZ_PATIENCE_MS = 3_600_000;

/** Figures of the long form, for people. */
export function tell(title: string, figures: Readonly<Record<string, number>>): void {
  if (wanted !== undefined) console.log(`      ${title}: ${JSON.stringify(figures)}`);
}

const collect = (() => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
})();

/** Bytes that are in use once what is not needed any more was thrown away. */
export function usedBytes(): number {
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

const MIB = 2 ** 20;

/** What is kept after the work was done once must not become more when it is done again. */
export function assertNoGrowth(warmBytes: number, maxMib: number): void {
  const grownBytes = usedBytes() - warmBytes;
  assert.ok(grownBytes < maxMib * MIB, `the heap has grown by ${(grownBytes / MIB).toFixed(1)} MiB`);
}
