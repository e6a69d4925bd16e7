import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Lanes, SpoolLane } from '../../src/spool/spool.ts';
import { Receiver } from './support/reference.ts';
import { SimulatedDisk } from './support/simulated-disk.ts';
import { draft, type Opened, open, readOne } from './support/spool-fixture.ts';

const OPTIONS = { directory: '/spool', maxBytes: 256 * 1024 };
const TWINS = ['press', 'meter', 'drive'];

type Step =
  | { readonly do: 'append'; readonly twins: readonly string[]; readonly count: number }
  | { readonly do: 'session'; readonly maxBehind: number }
  | { readonly do: 'acknowledge'; readonly lane: keyof Lanes; readonly count: number }
  | { readonly do: 'restart' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      twins: fc.subarray(TWINS, { minLength: 1 }),
      count: fc.integer({ min: 5, max: 40 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('session' as const), maxBehind: fc.integer({ min: 0, max: 20 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('acknowledge' as const),
      lane: fc.constantFrom('live' as const, 'history' as const),
      count: fc.integer({ min: 1, max: 60 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);

/** A hub that acknowledges each message as it comes. */
class Run {
  readonly #disk = new SimulatedDisk();
  readonly #whenFull: 'thin' | 'drop-oldest';
  readonly #receiver = new Receiver();
  #spool: Opened | undefined;
  #lanes: Lanes | undefined;
  #value = 0;

  constructor(whenFull: 'thin' | 'drop-oldest') {
    this.#whenFull = whenFull;
  }

  async take(each: Step): Promise<void> {
    const spool = await this.#opened();
    if (each.do === 'append') await this.#append(spool, each);
    if (each.do === 'session') this.#begin(spool, each.maxBehind);
    if (each.do === 'acknowledge') await this.#acknowledge(this.#lanes?.[each.lane] ?? spool.reader('cloud'), each.count);
    if (each.do === 'restart') await this.close();
  }

  /** What was appended came or is declared, never both. */
  async finish(): Promise<void> {
    const spool = await this.#opened();
    spool.reader('cloud').rewind();
    await this.#acknowledge(spool.reader('cloud'), Number.POSITIVE_INFINITY);
    assert.deepEqual(this.#receiver.unexplained(), []);
    assert.deepEqual(this.#receiver.overclaimed(), []);
    await this.close();
  }

  async close(): Promise<void> {
    await this.#spool?.close();
    this.#spool = undefined;
    this.#lanes = undefined;
  }

  async #opened(): Promise<Opened> {
    this.#spool ??= await open({ ...OPTIONS, whenFull: this.#whenFull, fileSystem: this.#disk });
    return this.#spool;
  }

  async #append(spool: Opened, { twins, count }: Step & { do: 'append' }): Promise<void> {
    for (let number = 0; number < count; number += twins.length) {
      await spool.append(twins.map((twin) => draft(twin, this.#next(), ['cloud'], 'x'.repeat(2_000))));
    }
  }

  #next(): number {
    this.#value += 1;
    return this.#value;
  }

  #begin(spool: Opened, maxBehind: number): void {
    spool.reader('cloud').rewind();
    this.#lanes = spool.reader('cloud').liveFirst(maxBehind);
  }

  async #acknowledge(lane: SpoolLane, count: number): Promise<void> {
    for (let taken = 0; taken < count; taken += 1) {
      const stored = await readOne(lane);
      if (stored === undefined) return;
      lane.acknowledge(stored);
      this.#receiver.take([stored], true);
    }
  }
}

describe('a spool that is too full, read live first', () => {
  for (const whenFull of ['thin', 'drop-oldest'] as const) {
    it(`declares what never comes and nothing else (${whenFull})`, async () => {
      const run = async (steps: readonly Step[]) => {
        const one = new Run(whenFull);
        for (const each of steps) await one.take(each);
        await one.finish();
      };
      await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 15, maxLength: 50, size: 'max' }), run), {
        numRuns: 15,
        seed: 5,
      });
    }).timeout(120_000);
  }
});
