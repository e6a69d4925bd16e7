import assert from 'node:assert/strict';
import {
  type AddressSpace,
  DataType,
  type MonitoredItem,
  MonitoringMode,
  type ServerSession,
  type Subscription,
  type UAVariable,
} from 'node-opcua';
import { Retries } from '../../../connectors/opcua/watching/retries.ts';
import type { Connector } from '../../../src/southbound/connector.ts';
import { HandClock } from '../../support/hand-clock.ts';
import { PLANT, startOpcuaServer, type TestServer } from '../../support/opcua-server.ts';
import { RecordedLog } from '../../support/recorded-log.ts';
import { Bench, Collected, FAST, makePlan, OPEN, type PointKeys } from './support.ts';

describe('OPC UA monitored items', function () {
  this.timeout(20_000);
  const bench = new Bench();
  const log = new RecordedLog();
  let server: TestServer;

  before(async () => {
    server = await startOpcuaServer();
  });
  after(() => server.stop());
  beforeEach(() => bench.begin());
  afterEach(() => bench.end());

  async function collect(points: Readonly<Record<string, PointKeys>>): Promise<{ connector: Connector; all: Collected }> {
    const connector = bench.connector(makePlan({ url: server.url, ...OPEN, ...FAST }, { press: points }), log.log);
    return { connector, all: new Collected(await bench.open(connector)) };
  }

  function addressSpace(): AddressSpace {
    assert.ok(server.server.engine.addressSpace);
    return server.server.engine.addressSpace;
  }

  /** The next monitored item never says anything. */
  function muteNext(): void {
    server.server.once('create_session', (session: ServerSession) => {
      session.once('new_subscription', (subscription: Subscription) => {
        subscription.once('monitoredItem', (item: MonitoredItem) =>
          setImmediate(() => item.setMonitoringMode(MonitoringMode.Disabled)),
        );
      });
    });
  }

  function add(name: string, dataType: DataType, value: unknown): UAVariable {
    const made = addressSpace()
      .getNamespace(PLANT)
      .addVariable({
        organizedBy: addressSpace().rootFolder.objects,
        nodeId: `s=${name}`,
        browseName: name,
        dataType,
        minimumSamplingInterval: 10,
      });
    made.setValueFromSource({ dataType, value });
    return made;
  }

  const problems = (connector: Connector) =>
    (
      connector.status().details?.problems as
        | { points: Readonly<Record<string, { status: string; nextTryInMs: number }>> }
        | undefined
    )?.points ?? {};

  it('of a node that went are bad, come back with it, and leave their neighbours alone', async () => {
    const first = add('Gone', DataType.Int32, 1);
    const { all, connector } = await collect({ Gone: {}, Polled: { address: `nsu=${PLANT};s=Gone`, read: 'poll' }, Speed: {} });
    await Promise.all(['Gone', 'Polled', 'Speed'].map((name) => all.until(name)));
    addressSpace().deleteNode(first);
    for (const name of ['Gone', 'Polled'])
      assert.match((await all.until(name, ({ quality }) => quality === 'bad')).status ?? '', /BadNodeId(Unknown|Invalid)/);
    assert.deepEqual(Object.keys(problems(connector)), ['press/Gone', 'press/Polled']);
    add('Gone', DataType.Int32, 2);
    for (const name of ['Gone', 'Polled']) await all.until(name, ({ value }) => value === 2);
    assert.deepEqual(problems(connector), {});
    assert.deepEqual(connector.status().details?.itemStates, { waiting: 0, active: 2, failed: 0 });
    assert.equal(all.of('Speed').length, 1);
  });

  it('of a node that became another are bad, and are looked at again only rarely', async () => {
    const first = add('Changed', DataType.Int32, 1);
    const { all, connector } = await collect({ Changed: {}, Speed: {} });
    await all.until('Changed');
    addressSpace().deleteNode(first);
    await all.until('Changed', ({ quality }) => quality === 'bad');
    add('Changed', DataType.Double, 2.5);
    while ((problems(connector)['press/Changed']?.nextTryInMs ?? 0) < 60_000)
      await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(problems(connector)['press/Changed']?.status, 'BadNodeIdInvalid');
    assert.ok(all.of('Changed').every(({ value }) => value === 1 || value === null));
  });

  it('are slower than asked: the log says so in one line, however many they are', async () => {
    const { all, connector } = await collect({ Speed: { sampling: '1 ms' }, Count: { sampling: '1 ms', queueSize: 100_000 } });
    await Promise.all(['Speed', 'Count'].map((name) => all.until(name)));
    const { slowerThanAsked, shorterQueueThanAsked } = connector.status().details ?? {};
    assert.deepEqual((slowerThanAsked as { points: object }).points, {
      'press/Speed': { askedMs: 1, revisedMs: 50 },
      'press/Count': { askedMs: 1, revisedMs: 50 },
    });
    assert.deepEqual((shorterQueueThanAsked as { points: object }).points, { 'press/Count': { asked: 100_000, revised: 5_000 } });
    const lines = log.events('opcua wishes revised');
    assert.deepEqual(
      lines.map(({ slower_than_asked, shorter_queue_than_asked }) => [slower_than_asked, shorter_queue_than_asked]),
      [[2, 1]],
    );
  });

  it('that never send a first value are bad, and made anew', async () => {
    const { all, connector } = await collect({ Speed: {} });
    await all.until('Speed');
    const silent = bench.connector(
      makePlan({ url: server.url, ...OPEN, ...FAST, keepAlive: '300 ms' }, { press: { Count: {} } }),
    );
    muteNext();
    const others = new Collected(await bench.open(silent));
    assert.equal((await others.until('Count')).status, 'BadWaitingForInitialData');
    assert.equal(problems(silent)['press/Count']?.status, 'BadWaitingForInitialData');
    assert.equal((await others.until('Count', ({ quality }) => quality === 'good')).value, 7);
    assert.equal(connector.status().counters.rebuilds, 0);
  });

  it('that failed are tried again soon, then ever more rarely', () => {
    const clock = new HandClock();
    const retries = new Retries(clock);
    const waits: (number | undefined)[] = [];
    for (let tries = 0; tries < 10; tries += 1) {
      retries.fail('press/Speed');
      waits.push(retries.waitMs('press/Speed'));
    }
    assert.deepEqual(waits, [2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000]);
    retries.succeed('press/Speed');
    assert.equal(retries.waitMs('press/Speed'), undefined);
  });
});
