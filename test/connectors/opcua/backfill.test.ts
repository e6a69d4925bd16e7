import assert from 'node:assert/strict';
import type { DeviceGap } from '../../../src/model/device-gap.ts';
import type { Batch, Reading } from '../../../src/model/reading.ts';
import type { Connector } from '../../../src/southbound/connector.ts';
import { COUNTING, type CountingOptions, type CountingServer, startCountingServer } from '../../support/opcua-counting-server.ts';
import { freePort } from '../../support/opcua-server.ts';
import { TcpCable } from '../../support/tcp-cable.ts';
import { tally } from './counting.ts';
import { Bench, makePlan, OPEN } from './support.ts';

const NAMES = ['N0', 'N1', 'N2'];
/** More than one answer of the server holds. */
const BURST = 2_500;
/** How a HistoryReadRequest begins: its type, i=664, in two bytes (Part 6 §5.2.2.9). */
const HISTORY_READ = Buffer.of(0x01, 0x00, 0x98, 0x02);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('OPC UA history of a break', function () {
  this.timeout(30_000);
  const bench = new Bench();
  let server: CountingServer;
  let cable: TcpCable;
  let connector: Connector;
  let batches: Batch[];
  let gaps: DeviceGap[];
  let stopGateway: () => Promise<void>;

  beforeEach(() => bench.begin());
  afterEach(() => bench.end());

  async function begin(options: Partial<CountingOptions>, keys: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const port = await freePort();
    const given = { items: NAMES.length, stepMs: 20, shift: 0, first: 0, keepsHistory: true, handsOver: false, ...options };
    server = await startCountingServer({ ...given, port });
    bench.onEnd(() => server.stop());
    cable = new TcpCable(port);
    await cable.plug();
    bench.onEnd(() => cable.pull());
    const { queueSize = 100, ...settings } = keys;
    const point = (name: string) => ({ address: `nsu=${COUNTING};s=${name}`, sampling: '0 ms', queueSize });
    const plan = makePlan(
      {
        url: `opc.tcp://127.0.0.1:${cable.port}`,
        ...OPEN,
        keepAlive: '400 ms',
        publishingInterval: '50 ms',
        timeout: '5 s',
        ...settings,
      },
      { press: Object.fromEntries(NAMES.map((name) => [name, point(name)])) },
    );
    batches = [];
    gaps = [];
    ({ connector, stop: stopGateway } = bench.acquire(plan, {
      onBatch: (batch) => batches.push(batch),
      onGap: (gap) => gaps.push(gap),
    }));
    await until(() => NAMES.every((name) => live(name).length > 3));
  }

  async function until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) await pause(10);
  }

  const of = (name: string, isWanted: (batch: Batch) => boolean): readonly Reading[] =>
    batches.filter(isWanted).flatMap(({ readings }) => readings.filter(({ point }) => point.name === name));
  const live = (name: string) => of(name, ({ isHistory }) => isHistory !== true);
  const history = (name: string) => of(name, ({ isHistory }) => isHistory === true);
  const counter = (name: string) => connector.status().counters[name] ?? 0;
  const goodValues = (readings: readonly Reading[]) =>
    readings.filter(({ quality }) => quality === 'good').map(({ value }) => Number(value));

  async function breakFor(ms: number, steps = 0): Promise<void> {
    await cable.pull();
    server.pause(steps > 0);
    await pause(ms / 2);
    server.burst(steps, ms / 4);
    server.pause(false);
    await pause(ms / 2);
    await until(() => connector.status().devices.press?.state === 'down');
    await cable.plug();
    const number = server.number;
    await until(() => NAMES.every((name) => goodValues(live(name)).some((value) => value > number)));
  }

  function assertOnce(name: string): void {
    const [told, fetched] = [live(name), history(name)];
    assert.deepEqual([tally(told).repeated, tally(fetched).repeated, tally(fetched).isInOrder], [0, 0, true], name);
    const known = new Set(goodValues(told));
    assert.deepEqual(
      goodValues(fetched).filter((value) => known.has(value)),
      [],
      name,
    );
    const all = [...told, ...fetched].toSorted((a, b) => Number(a.value) - Number(b.value));
    assert.equal(tally(all).lost, 0, name);
  }

  /** Once, from before the first number that is missing to after the last. */
  function assertDeclared(reason: DeviceGap['reason']): void {
    assert.deepEqual(
      gaps.map((gap) => [
        gap.reason,
        gap.device,
        gap.readings,
        gap.points
          .map(({ name }) => name)
          .toSorted()
          .join(),
      ]),
      [[reason, 'press', 0, NAMES.join()]],
    );
    const [{ fromTimeMs, toTimeMs } = { fromTimeMs: 0, toTimeMs: 0 }] = gaps;
    const good = live('N0').filter(({ quality }) => quality === 'good');
    const jump = good.findIndex(({ value }, at) => at > 0 && Number(value) > Number(good[at - 1]?.value) + 1);
    const [before, after] = [good[jump - 1]?.sourceTimeMs ?? 0, good[jump]?.sourceTimeMs ?? 0];
    assert.ok(jump > 0, 'no number is missing');
    // A server that tells every 50 ms was heard so long ago.
    assert.ok(fromTimeMs > before - 1_000 && fromTimeMs < before + 500, `from ${fromTimeMs - before} ms after the last value`);
    assert.ok(toTimeMs >= after && toTimeMs < after + 1_000, `to ${toTimeMs - after} ms after the first value`);
  }

  it('is declared where the queues of a subscription that was taken over have overflowed, and there is no history', async () => {
    await begin({ handsOver: true, keepsHistory: false }, { queueSize: 5 });
    await breakFor(1_400);
    await until(() => gaps.length > 0);
    assert.equal(counter('transfers'), 1);
    assertDeclared('queue-overflow');
  });

  it('is read once, in order, in as many requests as it takes', async () => {
    await begin({});
    await breakFor(1_400, BURST);
    await until(() => NAMES.every((name) => history(name).length >= BURST));
    server.pause(true);
    for (const name of NAMES) assertOnce(name);
    assert.equal(
      counter('backfilled_values'),
      NAMES.map((name) => history(name).length).reduce((sum, count) => sum + count),
    );
    assert.equal(counter('backfill_failures'), 0);
    assert.equal(gaps.length, 0, 'nothing is missing in the end');
    await stopGateway();
    assert.ok(gaps.every(({ reason }) => reason === 'gateway-off'));
  });

  it('fills what overflowed the queues of a subscription that was taken over', async () => {
    await begin({ handsOver: true }, { queueSize: 20 });
    await breakFor(1_400);
    await until(() => NAMES.every((name) => history(name).length > 0));
    server.pause(true);
    await pause(200);
    assert.equal(counter('transfers'), 1);
    for (const name of NAMES) assertOnce(name);
    assert.equal(gaps.length, 0, 'nothing is missing in the end');
    await stopGateway();
    assert.ok(gaps.every(({ reason }) => reason === 'gateway-off'));
  });

  it('is given up, and declared, where the connection breaks whenever it is asked for', async function () {
    this.timeout(90_000);
    await begin({});
    let asked = 0;
    cable.onBytes = (bytes) => {
      if (!bytes.includes(HISTORY_READ)) return;
      asked += 1;
      cable.cut();
    };
    await breakFor(2_000);
    await until(() => gaps.length > 0 && asked > 0);
    const isUp = () => connector.status().devices.press?.state === 'up';
    for (let quietMs = 0; quietMs < 2_500; quietMs += 100) {
      const before = asked;
      await pause(100);
      if (asked > before || !isUp()) quietMs = 0;
    }
    assert.ok(asked <= 5, `asked ${asked} times`);
  });

  it('reaches back as far as the mapping allows', async () => {
    await begin({}, { backfill: '500 ms' });
    await breakFor(1_500);
    await until(() => NAMES.every((name) => history(name).length > 0));
    for (const name of NAMES) {
      const times = history(name).map(({ sourceTimeMs }) => sourceTimeMs);
      assert.ok(Math.max(...times) - Math.min(...times) <= 500);
    }
    await until(() => gaps.length > 0);
    assertDeclared('device-away');
  });

  for (const [what, options, keys] of [
    ['is left alone where the mapping says so', {}, { backfill: false }],
    ['is not asked for where the server keeps none', { keepsHistory: false }, {}],
  ] as const) {
    it(what, async () => {
      await begin(options, keys);
      await breakFor(1_200);
      await pause(1_500);
      for (const name of NAMES) assert.deepEqual(history(name), []);
      await until(() => gaps.length > 0);
      assertDeclared('device-away');
      assert.equal(counter('backfill_failures'), 0);
    });
  }
});
