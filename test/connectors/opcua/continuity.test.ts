import assert from 'node:assert/strict';
import type { DeviceGap } from '../../../src/model/device-gap.ts';
import type { Reading } from '../../../src/model/reading.ts';
import type { Connector } from '../../../src/southbound/connector.ts';
import { COUNTING } from '../../support/opcua-counting-server.ts';
import { TcpCable } from '../../support/tcp-cable.ts';
import { CountingProcess, tally } from './counting.ts';
import { Bench, makePlan, OPEN } from './support.ts';

const ITEMS = 5;
const NAMES = Array.from({ length: ITEMS }, (_, at) => `N${at}`);
/** 1 in real time; else so many times faster. */
const SCALE = process.env.FIELDMARSHAL_LONG_TESTS === '1' ? 1 : 100;
/** The server keeps at most 5 000 values of an item, and sends at most 1 000 in one message. */
const STEP_MS = SCALE === 1 ? 100 : 5;
const scaled = (ms: number) => `${Math.ceil(ms / SCALE)} ms`;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('OPC UA changes across breaks', function () {
  this.timeout(20_000 + 2 * (600_000 / SCALE));
  const bench = new Bench();
  let server: CountingProcess;
  let cable: TcpCable;
  let connector: Connector;
  let readings: Reading[];
  let gaps: DeviceGap[];
  let stopGateway: () => Promise<void>;

  beforeEach(async () => {
    readings = [];
    gaps = [];
    await bench.begin();
    server = await CountingProcess.start(bench.stateDirectory, { items: ITEMS, stepMs: STEP_MS });
    bench.onEnd(() => server.kill());
    cable = new TcpCable(server.port);
    await cable.plug();
    bench.onEnd(() => cable.pull());
  });
  afterEach(() => bench.end());

  async function begin(settings: Readonly<Record<string, unknown>>): Promise<void> {
    const point = (name: string) => ({ address: `nsu=${COUNTING};s=${name}`, sampling: '0 ms', queueSize: 100_000 });
    const points = Object.fromEntries(NAMES.map((name) => [name, point(name)]));
    const base = { url: `opc.tcp://127.0.0.1:${cable.port}`, ...OPEN, publishingInterval: '50 ms', timeout: '5 s' };
    const plan = makePlan({ ...base, ...settings }, { press: points });
    ({ connector, stop: stopGateway } = bench.acquire(plan, {
      onBatch: (batch) => readings.push(...batch.readings),
      onGap: (gap) => gaps.push(gap),
    }));
    await hasReached(await server.ask('number'));
  }

  const of = (name: string) => readings.filter(({ point }) => point.name === name);

  async function hasReached(number: number): Promise<void> {
    const isBehind = (name: string) => !of(name).some(({ value, quality }) => quality === 'good' && Number(value) >= number);
    while (NAMES.some(isBehind)) await pause(10);
  }

  async function assertComplete(): Promise<void> {
    await hasReached(await server.ask('number'));
    await server.ask('pause');
    for (const name of NAMES) {
      const { lost, repeated, isInOrder } = tally(of(name));
      assert.deepEqual({ name, lost, repeated, isInOrder }, { name, lost: 0, repeated: 0, isInOrder: true });
    }
  }

  /** Since the server was last heard nobody knows what changed. */
  async function assertOnlyTheStopIsDeclared(): Promise<void> {
    assert.equal(gaps.length, 0);
    const lastTimeMs = Math.max(...readings.map(({ sourceTimeMs }) => sourceTimeMs));
    const stoppedTimeMs = Date.now();
    await stopGateway();
    assert.deepEqual(
      gaps.map(({ reason, points }) => [reason, points.map(({ name }) => name).join()]),
      [['gateway-off', NAMES.join()]],
    );
    const [{ fromTimeMs, toTimeMs } = { fromTimeMs: 0, toTimeMs: 0 }] = gaps;
    assert.ok(fromTimeMs >= lastTimeMs && fromTimeMs < toTimeMs, `${fromTimeMs - lastTimeMs} ms after the last value`);
    assert.ok(Math.abs(toTimeMs - stoppedTimeMs) <= 50, `${toTimeMs - stoppedTimeMs} ms after the stop`);
  }

  it('lose and repeat none over a cut of 5 s', async () => {
    await begin({ keepAlive: '4 s', sessionTimeout: '60 s' });
    await cable.pull();
    await pause(SCALE === 1 ? 5_000 : 500);
    await cable.plug();
    await assertComplete();
    assert.equal(connector.status().counters.rebuilds, 0);
    await assertOnlyTheStopIsDeclared();
  });

  it('lose and repeat none over a cut of 5 min, which the session does not survive', async () => {
    await begin({
      keepAlive: scaled(20_000),
      sessionTimeout: scaled(60_000),
      subscriptionLifetime: SCALE === 1 ? '10 min' : '60 s',
    });
    await cable.pull();
    await pause(300_000 / SCALE);
    await cable.plug();
    await assertComplete();
    const { rebuilds, transfers, sequence_gaps } = connector.status().counters;
    assert.deepEqual({ rebuilds, transfers, sequence_gaps }, { rebuilds: 1, transfers: 1, sequence_gaps: 0 });
    await assertOnlyTheStopIsDeclared();
  });

  it('repeat none over a restart of the server, and lose only what it counted while nobody was there', async () => {
    await begin({ keepAlive: '1 s', sessionTimeout: '60 s' });
    const killedAt = await server.ask('number');
    const { port } = server;
    await server.kill();
    server = await CountingProcess.start(bench.stateDirectory, { items: ITEMS, stepMs: 20, port, first: killedAt + 1_000 });
    bench.onEnd(() => server.kill());
    await hasReached(killedAt + 1_000);
    await hasReached(await server.ask('number'));
    for (const name of NAMES) {
      const [before, after] = [
        of(name).filter(({ value }) => Number(value) < killedAt + 1_000),
        of(name).filter(({ value }) => Number(value) >= killedAt + 1_000),
      ];
      assert.deepEqual([tally(before).lost, tally(before).repeated], [0, 0]);
      assert.deepEqual([tally(after).lost, tally(after).repeated], [0, 0]);
    }
    assert.equal(connector.status().counters.transfers, 0);
  });
});
