import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MAX_STRETCHES } from '../../src/spool/acknowledged.ts';
import type { Lanes } from '../../src/spool/spool.ts';
import { SimulatedDisk } from './support/simulated-disk.ts';
import { draft, gaps, type Opened, open, readAll, until, values } from './support/spool-fixture.ts';

const HUBS = ['cloud', 'historian'];

type Step =
  | { readonly do: 'append'; readonly count: number; readonly hubs: readonly string[] }
  | { readonly do: 'session'; readonly maxBehind: number }
  | { readonly do: 'acknowledge'; readonly lane: 'live' | 'history'; readonly count: number }
  | { readonly do: 'restart' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      count: fc.integer({ min: 1, max: 9 }),
      hubs: fc.constantFrom(['cloud'], HUBS, ['historian']),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('session' as const), maxBehind: fc.integer({ min: 0, max: 5 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('acknowledge' as const),
      lane: fc.constantFrom('live' as const, 'history' as const),
      count: fc.integer({ min: 1, max: 9 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);

/** The spool beside an array: what the cloud has not acknowledged, in order. */
class Model {
  readonly disk = new SimulatedDisk();
  #spool: Opened | undefined;
  #lanes: Lanes | undefined;
  #waiting: number[] = [];
  #value = 0;

  async take(each: Step): Promise<void> {
    const spool = await this.#opened();
    if (each.do === 'append') await this.#append(spool, each.count, each.hubs);
    if (each.do === 'session') this.#begin(spool, each.maxBehind);
    if (each.do === 'acknowledge') await this.#acknowledge(spool, each.lane, each.count);
    if (each.do === 'restart') await this.close();
    const opened = await this.#opened();
    assert.equal(opened.status().hubs.cloud?.waitingMessages, this.#waiting.length, 'what waits is counted');
  }

  /** Everything that waits comes in order, nothing that was acknowledged comes again, and the disk is given back. */
  async finish(): Promise<void> {
    const spool = await this.#opened();
    this.#begin(spool, Number.POSITIVE_INFINITY);
    spool.reader('cloud').rewind();
    const stored = await readAll(spool.reader('cloud'), 5);
    assert.deepEqual(values(stored), this.#waiting);
    for (const one of stored) spool.reader('cloud').acknowledge(one);
    const others = await readAll(spool.reader('historian'), 5);
    for (const one of others) spool.reader('historian').acknowledge(one);
    await this.close();
    const again = await this.#opened();
    await again.append([draft('press', 0, HUBS)]);
    await until(() => again.status().classes.telemetry.segments <= 2);
    await this.close();
  }

  async close(): Promise<void> {
    await this.#spool?.close();
    this.#spool = undefined;
    this.#lanes = undefined;
  }

  async #opened(): Promise<Opened> {
    this.#spool ??= await open({ directory: '/spool', fileSystem: this.disk, hubs: HUBS, maxBytes: 1 << 20 });
    return this.#spool;
  }

  async #append(spool: Opened, count: number, hubs: readonly string[]): Promise<void> {
    const numbers = Array.from({ length: count }, () => (this.#value += 1));
    await spool.append(numbers.map((value) => draft(`twin-${value % 3}`, value, hubs, 'x'.repeat(12_000))));
    if (hubs.includes('cloud')) this.#waiting.push(...numbers);
  }

  #begin(spool: Opened, maxBehind: number): void {
    spool.reader('cloud').rewind();
    this.#lanes = spool.reader('cloud').liveFirst(maxBehind);
  }

  async #acknowledge(spool: Opened, name: 'live' | 'history', count: number): Promise<void> {
    const lane = this.#lanes?.[name] ?? spool.reader('cloud');
    const taken: number[] = [];
    while (taken.length < count) {
      const stored = await lane.read(1, AbortSignal.timeout(5)).catch(() => []);
      if (stored.length === 0) break;
      taken.push(...(values(stored) as number[]));
      for (const one of stored) lane.acknowledge(one);
    }
    assert.deepEqual(
      taken,
      taken.toSorted((a, b) => a - b),
      'a lane is in order',
    );
    assert.ok(
      taken.every((value) => this.#waiting.includes(value)),
      'nothing acknowledged comes again',
    );
    this.#waiting = this.#waiting.filter((value) => !taken.includes(value));
  }
}

describe('a spool read live first', () => {
  it('agrees with an array, whatever is appended, acknowledged in either lane, begun anew and restarted', async () => {
    const run = async (steps: readonly Step[]) => {
      const model = new Model();
      for (const each of steps) await model.take(each);
      await model.finish();
    };
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 15, maxLength: 50, size: 'max' }), run), {
      numRuns: 40,
      seed: 11,
    });
  }).timeout(60_000);

  it('has on disk within a second what was acknowledged live', async () => {
    const disk = new SimulatedDisk();
    const spool = await open({ directory: '/spool', fileSystem: disk });
    await spool.append([draft('press', 1)]);
    const lanes = spool.reader('cloud').liveFirst(0);
    await spool.append([draft('press', 2)]);
    const [second] = await readAll(lanes?.live ?? spool.reader('cloud'), 20);
    lanes?.live.acknowledge(second ?? assert.fail());
    await spool.append([draft('press', 3)]);
    await spool.append([draft('press', 4)]);
    await until(() => disk.paths('cursors-').some((path) => disk.content(path).includes('"ahead"')));
    const survivor = await open({ directory: '/spool', fileSystem: disk.fork() });
    assert.deepEqual(values(await readAll(survivor.reader('cloud'), 20)), [1, 3, 4]);
    await survivor.close();
    await spool.close();
  });

  it('declares of what it drops exactly what was not acknowledged live', async () => {
    const spool = await open({ directory: '/spool', fileSystem: new SimulatedDisk(), maxBytes: 256 * 1024 });
    const append = (first: number, count: number) =>
      spool.append(Array.from({ length: count }, (_, index) => draft('press', first + index, ['cloud'], 'x'.repeat(2_000))));
    const reader = spool.reader('cloud');
    await append(1, 37);
    const first = reader.liveFirst(0);
    await append(38, 10);
    const live = await readAll(first?.live ?? reader, 20);
    first?.live.acknowledge(live.at(-1) ?? assert.fail());
    for (let value = 48; value <= 200; value += 9) await append(value, 9);
    reader.rewind();
    const rest = await readAll(reader, 50);
    const received = new Set([...values(live), ...values(rest)]);
    const told = gaps(rest).reduce((sum, { messages }) => sum + messages, 0);
    assert.ok(told > 50, 'the first ones, and what came after the live ones, were dropped');
    assert.equal(told, 200 - received.size);
    for (const { fromSequence = 0, toSequence = 0 } of gaps(rest))
      assert.ok(toSequence <= 37 || fromSequence >= 48, `${fromSequence} to ${toSequence} holds what was acknowledged live`);
    await spool.close();
  });

  it('goes on in order behind the last live messages once it has gone ahead too often', async () => {
    const spool = await open({ directory: '/spool', fileSystem: new SimulatedDisk() });
    const reader = spool.reader('cloud');
    let value = 0;
    const append = () => {
      value += 1;
      return spool.append([draft('press', value)]);
    };
    for (let outage = 0; outage < MAX_STRETCHES; outage += 1) {
      await append();
      reader.rewind();
      const lanes = reader.liveFirst(0);
      await append();
      const [stored] = await (lanes?.live ?? reader).read(1, AbortSignal.timeout(100));
      lanes?.live.acknowledge(stored ?? assert.fail());
    }
    await append();
    await append();
    reader.rewind();
    const lanes = reader.liveFirst(0);
    assert.ok(lanes);
    assert.deepEqual(values(await readAll(lanes.live, 20)), [2 * MAX_STRETCHES + 1, 2 * MAX_STRETCHES + 2]);
    const odd = Array.from({ length: MAX_STRETCHES }, (_, index) => 2 * index + 1);
    assert.deepEqual(values(await readAll(lanes.history, 20)), odd);
    await spool.close();
  });

  it('leaves no file open, whenever a session ends while the newest are being looked for', async () => {
    const disk = new SimulatedDisk();
    const spool = await open({ directory: '/spool', fileSystem: disk });
    for (let value = 0; value < 10; value += 1) await spool.append([draft('press', value)]);
    const reader = spool.reader('cloud');
    for (let steps = 0; steps < 60; steps += 1) {
      reader.rewind();
      const lanes = reader.liveFirst(0);
      await spool.append([draft('press', 100 + steps)]);
      const over = new AbortController();
      const reading = lanes?.live.read(1_000, over.signal);
      for (let step = 0; step < steps; step += 1) await null;
      reader.rewind();
      over.abort();
      await reading?.catch(() => {});
    }
    await spool.close();
    assert.equal(disk.openFiles, 0);
  });
});
