import assert from 'node:assert/strict';
import { DataType, type OPCUAServerOptions, type UAVariable, Variant } from 'node-opcua';
import type { Connector } from '../../../src/southbound/connector.ts';
import { startOpcuaServer, type TestServer } from '../../support/opcua-server.ts';
import { Bench, Collected, FAST, makePlan, OPEN } from './support.ts';

const NAMES = ['Speed', 'Count', 'MinInt64', 'MaxUInt64', 'Running', 'Name', 'Blob', 'Where'];
const POINTS = Object.fromEntries(NAMES.map((name) => [name, {}]));

describe('OPC UA servers that limit the items of a subscription', function () {
  this.timeout(20_000);
  const bench = new Bench();
  let server: TestServer;
  beforeEach(() => bench.begin());
  afterEach(async () => {
    await bench.end();
    await server.stop();
  });

  async function open(serverCapabilities: object, { saysSo = true } = {}): Promise<{ connector: Connector; all: Collected }> {
    server = await startOpcuaServer({ options: { serverCapabilities } as OPCUAServerOptions });
    const stated = server.server.engine.addressSpace?.findNode('i=24104') as UAVariable;
    const unstated = { get: () => new Variant({ dataType: DataType.UInt32, value: 0 }) };
    if (!saysSo) stated.bindVariable(unstated as never, true);
    const connector = bench.connector(makePlan({ url: server.url, ...OPEN, ...FAST }, { press: POINTS }));
    return { connector, all: new Collected(await bench.open(connector)) };
  }

  const itemsOf = (connector: Connector) => {
    const { subscriptions } = connector.status().details as { subscriptions: readonly { readonly items: number }[] };
    return subscriptions.map(({ items }) => items);
  };

  for (const saysSo of [true, false]) {
    it(`have several of them where they ${saysSo ? '' : 'do not '}say so, and every change comes`, async () => {
      const { connector, all } = await open({ maxMonitoredItemsPerSubscription: 3 }, { saysSo });
      for (const name of NAMES) assert.equal((await all.until(name)).quality, 'good');
      assert.deepEqual(itemsOf(connector), [3, 3, 2]);
      for (const name of ['Speed', 'Count'])
        server.set(name, { dataType: name === 'Speed' ? DataType.Double : DataType.Int32, value: 5 });
      for (const name of ['Speed', 'Count']) await all.until(name, ({ value }) => value === 5);
    });
  }

  it('that are full altogether are not filled with empty ones; what is left over is bad', async () => {
    const { connector, all } = await open({ maxMonitoredItems: 5 });
    for (const name of NAMES) await all.until(name);
    const bad = NAMES.filter((name) => all.of(name).at(-1)?.status === 'BadTooManyMonitoredItems');
    assert.equal(bad.length, 3);
    await new Promise((resolve) => setTimeout(resolve, 7_000));
    assert.ok(itemsOf(connector).length <= 2, JSON.stringify(itemsOf(connector)));
  });
});
