import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Stored } from '../../../src/model/twin-message.ts';
import type { Spool, SpoolLane } from '../../../src/spool/spool.ts';
import type { SpoolOptions } from '../../../src/spool/spool-options.ts';
import { Receiver } from './reference.ts';
import { PowerCut, SimulatedDisk } from './simulated-disk.ts';
import { draft, ofKind, open, randomFrom, readAll } from './spool-fixture.ts';

const HUBS = ['cloud', 'historian'];

export type Step =
  | {
      readonly do: 'append';
      readonly twin: string;
      readonly hubs: readonly string[];
      readonly kind: 'telemetry' | 'property' | 'event';
      readonly count: number;
      readonly size: number;
    }
  | { readonly do: 'read'; readonly hub: string; readonly acknowledge: boolean }
  | { readonly do: 'live'; readonly hub: string; readonly maxBehind: number; readonly live: number; readonly history: number }
  | { readonly do: 'restart' }
  | { readonly do: 'cut'; readonly after: number };

export const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('append' as const),
    twin: fc.constantFrom('press', 'meter', 'drive'),
    hubs: fc.subarray(HUBS, { minLength: 1 }),
    kind: fc.constantFrom('telemetry' as const, 'property' as const, 'event' as const),
    count: fc.integer({ min: 1, max: 12 }),
    size: fc.integer({ min: 0, max: 1_500 }),
  }),
  fc.record({ do: fc.constant('read' as const), hub: fc.constantFrom(...HUBS), acknowledge: fc.boolean() }),
  fc.record({
    do: fc.constant('live' as const),
    hub: fc.constantFrom(...HUBS),
    maxBehind: fc.integer({ min: 0, max: 8 }),
    live: fc.integer({ min: 0, max: 12 }),
    history: fc.integer({ min: 0, max: 12 }),
  }),
  fc.record({ do: fc.constant('restart' as const) }),
  fc.record({ do: fc.constant('cut' as const), after: fc.integer({ min: 0, max: 12 }) }),
);

/** The spool beside an array: what was committed, by hub. */
export class PowerCutRun {
  #disk: SimulatedDisk;
  readonly #layout: Pick<SpoolOptions, 'compression' | 'keys'>;
  #spool: Spool | undefined;
  #value = 0;
  readonly #committed = new Map(HUBS.map((hub) => [hub, [] as number[]]));
  readonly #receivers = new Map(HUBS.map((hub) => [hub, new Receiver()]));

  /** A seed decides how the messages stand on the disk, too. */
  constructor(seed: number) {
    this.#disk = new SimulatedDisk(randomFrom(seed));
    this.#layout = { compression: seed % 2 === 0 ? 'zstd' : 'none', keys: seed % 3 === 0 ? [Buffer.from('key')] : [] };
  }

  async take(step: Step): Promise<void> {
    const spool = await this.#opened();
    if (step.do === 'append') await this.#append(spool, step);
    if (step.do === 'read') await this.#read(spool, step.hub, step.acknowledge);
    if (step.do === 'live') await this.#readLive(spool, step);
    if (step.do === 'restart') await this.#close();
    if (step.do === 'cut') await this.#cut(spool, step.after);
  }

  async finish(): Promise<void> {
    await this.#close();
    const spool = await this.#opened();
    for (const hub of HUBS) {
      await this.#read(spool, hub, true);
      const receiver = this.#receivers.get(hub);
      assert.ok(receiver);
      assert.deepEqual(receiver.unexplained(), [], 'sequences are gapless');
      assert.equal(receiver.epochs() <= 1, true, 'one epoch');
      const received = new Set(receiver.values());
      const lost = (this.#committed.get(hub) ?? []).filter((value) => !received.has(value));
      assert.deepEqual(lost, [], 'nothing committed is lost');
    }
    await this.#close();
  }

  async #opened(): Promise<Spool> {
    const bounds = { hubs: HUBS, maxBytes: 1 << 20, commitWindowMs: 0 };
    this.#spool ??= await open({ directory: '/spool', fileSystem: this.#disk, ...bounds, ...this.#layout });
    return this.#spool;
  }

  async #append(spool: Spool, { twin, hubs, kind, count, size }: Step & { do: 'append' }): Promise<void> {
    const values = Array.from({ length: count }, () => (this.#value += 1));
    await spool.append(values.map((value) => ofKind(kind, draft(twin, value, hubs, 'x'.repeat(size)))));
    for (const hub of hubs) this.#committed.get(hub)?.push(...values);
  }

  async #read(spool: Spool, hub: string, acknowledge: boolean): Promise<void> {
    const reader = spool.reader(hub);
    reader.rewind();
    const stored = await readAll(reader, 5);
    this.#receivers.get(hub)?.take(stored, true);
    const taken = stored.slice(0, acknowledge ? stored.length : Math.floor(stored.length / 2) + 1);
    acknowledgeAll(reader, taken);
  }

  /** A session that begins live, gets something new, and acknowledges some of both. */
  async #readLive(spool: Spool, { hub, maxBehind, live, history }: Step & { do: 'live' }): Promise<void> {
    const reader = spool.reader(hub);
    reader.rewind();
    const lanes = reader.liveFirst(maxBehind);
    const kind = live % 2 === 0 ? 'telemetry' : 'event';
    await this.#append(spool, { do: 'append', twin: 'press', hubs: HUBS, kind, count: 5, size: 100 });
    if (lanes === undefined) return this.#read(spool, hub, true);
    await this.#readLane(hub, lanes.live, live);
    await this.#readLane(hub, lanes.history, history);
  }

  async #readLane(hub: string, lane: SpoolLane, acknowledged: number): Promise<void> {
    const stored = await readAll(lane, 5);
    this.#receivers.get(hub)?.take(stored, true);
    acknowledgeAll(lane, stored.slice(0, acknowledged));
  }

  async #close(): Promise<void> {
    await this.#spool?.close();
    this.#spool = undefined;
  }

  /** The power goes at the n-th operation of an append, or right after it. */
  async #cut(spool: Spool, after: number): Promise<void> {
    const disk = this.#disk;
    const cutAt = disk.operations + after;
    const isCut = new Promise<void>((resolve) => {
      disk.onOperation = (count) => {
        if (count <= cutAt) return;
        this.#disk = disk.cutPower();
        disk.onOperation = () => {};
        resolve();
        throw new PowerCut('now');
      };
    });
    const appending = this.#append(spool, {
      do: 'append',
      twin: 'press',
      hubs: HUBS,
      kind: 'telemetry',
      count: 8,
      size: 700,
    }).catch(() => {});
    await Promise.race([appending, isCut]);
    if (this.#disk === disk) this.#disk = disk.cutPower();
    await this.#close();
    await appending;
  }
}

function acknowledgeAll(lane: SpoolLane, taken: readonly Stored[]): void {
  for (const last of new Map(taken.map((each) => [each.class, each])).values()) lane.acknowledge(last);
}

/** One history: whatever happens, nothing committed is lost, and order and numbers are kept. Throws where not. */
export async function runHistory(seed: number, steps: readonly Step[]): Promise<void> {
  const run = new PowerCutRun(seed);
  for (const each of steps) await run.take(each);
  await run.finish();
}
