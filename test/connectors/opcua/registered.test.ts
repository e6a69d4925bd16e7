import assert from 'node:assert/strict';
import { RegisterNodesRequest } from 'node-opcua';
import { startOpcuaServer, type TestServer } from '../../support/opcua-server.ts';
import { Bench, Collected, FAST, makePlan, OPEN } from './support.ts';

describe('OPC UA services beside reading', () => {
  let server: TestServer;
  const bench = new Bench();
  const registered: number[] = [];

  before(async () => {
    const operationLimits = { maxNodesPerRegisterNodes: 2 };
    server = await startOpcuaServer({ options: { serverCapabilities: { operationLimits } } });
    server.server.on('request', (request: unknown) => {
      if (request instanceof RegisterNodesRequest) registered.push(request.nodesToRegister?.length ?? 0);
    });
  });
  after(() => server.stop());
  beforeEach(async () => {
    registered.splice(0);
    await bench.begin();
  });
  afterEach(() => bench.end());

  async function poll(settings: object) {
    const points = Object.fromEntries(['Speed', 'Count', 'Byte'].map((name) => [name, { read: 'poll' }]));
    const connector = bench.connector(makePlan({ url: server.url, ...OPEN, ...FAST, ...settings }, { press: points }));
    const all = new Collected(await bench.open(connector));
    await all.until('Speed');
    const seen = all.batches.length;
    await all.untilAfter(seen, 'Byte');
    return { connector, all };
  }

  it('registers polled nodes once in each session, in requests of the size that the server takes', async () => {
    const { all } = await poll({ registerNodes: true });
    assert.deepEqual(registered, [2, 1]);
    assert.equal((await all.until('Count')).value, 7);
    await poll({ registerNodes: true });
    assert.deepEqual(registered, [2, 1, 2, 1]);
  });

  it('registers nothing unless it is told so', async () => {
    await poll({});
    assert.deepEqual(registered, []);
  });

  it('shows what the server counts of itself', async () => {
    const { connector } = await poll({});
    const summary = () => connector.status().details?.serverDiagnostics as Readonly<Record<string, number>> | undefined;
    while (summary() === undefined) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.ok((summary()?.CurrentSessionCount ?? summary()?.currentSessionCount ?? 0) >= 1, JSON.stringify(summary()));
  });
});
