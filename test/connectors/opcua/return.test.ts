import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import type { Reading } from '../../../src/model/reading.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import { type Acquisition, acquire } from '../../../src/southbound/acquisition.ts';
import { TcpCable } from '../../support/tcp-cable.ts';
import { Bench, end, FAST, makePlan, OPEN, spawnServer } from './support.ts';

const BACK_OFF = { firstMs: 100, maxMs: 500, resetAfterMs: 60_000 };
const LONGEST_RETURN_MS = 5_000;
const plan = (port: number) =>
  makePlan(
    { url: `opc.tcp://127.0.0.1:${port}`, ...OPEN, ...FAST, keepAlive: '500 ms' },
    { press: { Speed: {}, Count: { read: 'poll' } } },
  );

describe('OPC UA devices come back alone', function () {
  this.timeout(30_000);
  const home = new Bench();
  const bench = new Bench();
  const rejections: unknown[] = [];
  const onRejection = (reason: unknown) => rejections.push(reason);
  let server: ChildProcess;
  let port: number;
  let cable: TcpCable;
  let acquisition: Acquisition;
  let readings: Reading[];

  before(async () => {
    await home.begin();
    ({ server, port } = await spawnServer(home.stateDirectory));
    home.onEnd(() => end(server));
  });
  after(() => home.end());

  beforeEach(async () => {
    process.on('unhandledRejection', onRejection);
    rejections.length = 0;
    readings = [];
    await bench.begin();
    cable = new TcpCable(port);
    await cable.plug();
    bench.onEnd(() => cable.pull());
    const stop = new AbortController();
    const connector = bench.connector(plan(cable.port));
    const onBatch = (batch: { readings: readonly Reading[] }) => readings.push(...batch.readings);
    const { signal } = stop;
    acquisition = acquire(connector, {
      plan: plan(cable.port),
      clock: systemClock,
      log: silentLog,
      signal,
      onBatch,
      backOff: BACK_OFF,
    });
    bench.onEnd(async () => {
      stop.abort();
      await acquisition.done;
    });
    await bothAre('good');
  });
  afterEach(async () => {
    await bench.end();
    process.off('unhandledRejection', onRejection);
    assert.deepEqual(rejections, []);
  });

  const latest = (name: string) => readings.findLast(({ point }) => point.name === name)?.quality;

  async function bothAre(quality: string): Promise<void> {
    while (latest('Speed') !== quality || latest('Count') !== quality) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  async function returnsInTime(): Promise<void> {
    const startedMs = performance.now();
    await bothAre('good');
    assert.ok(performance.now() - startedMs < LONGEST_RETURN_MS, `took ${performance.now() - startedMs} ms`);
  }

  it('from a break of the network that the session survives', async () => {
    await cable.pull();
    await bothAre('uncertain');
    await cable.plug();
    await returnsInTime();
  });

  it('from a break of the network that the session does not survive', async () => {
    await cable.pull();
    await bothAre('bad');
    await cable.plug();
    await returnsInTime();
  });

  it('from a freeze of the server that is longer than the watchdog waits', async () => {
    server.kill('SIGSTOP');
    await bothAre('bad');
    server.kill('SIGCONT');
    await returnsInTime();
  });

  it('from a restart of the server', async () => {
    await end(server);
    await bothAre('bad');
    ({ server } = await spawnServer(home.stateDirectory, port));
    await returnsInTime();
  });
});
