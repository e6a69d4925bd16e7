import assert from 'node:assert/strict';
import { DataType, type UAVariable, Variant } from 'node-opcua';
import { openBest } from '../../../connectors/opcua/connection/servers.ts';
import { Preference } from '../../../connectors/opcua/connection/service-level.ts';
import type { Reading } from '../../../src/model/reading.ts';
import type { Connector } from '../../../src/southbound/connector.ts';
import { OTHER, PLANT, startOpcuaServer, type TestServer } from '../../support/opcua-server.ts';
import { Bench, FAST, makePlan, OPEN } from './support.ts';

const KEEP_ALIVE_MS = 300;

describe('OPC UA redundant servers', function () {
  this.timeout(30_000);
  const bench = new Bench();
  let servers: Readonly<Record<'A' | 'B', TestServer>>;
  let connector: Connector;
  let readings: Reading[];

  beforeEach(async () => {
    await bench.begin();
    // The same nodes, their namespaces in another order.
    servers = { A: await startOpcuaServer(), B: await startOpcuaServer({ namespaces: [OTHER, PLANT] }) };
    for (const [name, server] of Object.entries(servers)) {
      server.set('Name', { dataType: DataType.String, value: name });
      bench.onEnd(() => server.stop());
    }
  });
  afterEach(() => bench.end());

  function setLevel(name: 'A' | 'B', value: number): void {
    const node = servers[name].server.engine.addressSpace?.findNode('i=2267') as UAVariable;
    node.bindVariable({ get: () => new Variant({ dataType: DataType.Byte, value }) }, true);
  }

  async function begin(): Promise<void> {
    readings = [];
    const url = [servers.A.url, servers.B.url];
    const plan = makePlan({ url, ...OPEN, ...FAST, keepAlive: `${KEEP_ALIVE_MS} ms` }, { press: { Name: {}, Where: {} } });
    ({ connector } = bench.acquire(plan, { onBatch: (batch) => readings.push(...batch.readings) }));
  }

  async function isWith(name: string): Promise<void> {
    const latest = () => readings.findLast(({ point }) => point.name === 'Name')?.value;
    while (latest() !== name) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  const itemsOf = ({ server }: TestServer) => server.engine.currentSubscriptionCount;

  it('gives the best its work, leaves it when another is better, and goes back only to what stays better', async () => {
    setLevel('A', 200);
    setLevel('B', 220);
    await begin();
    await isWith('B');
    assert.equal(connector.status().details?.serviceLevel, 220);
    setLevel('B', 100);
    await isWith('A');
    assert.equal(connector.status().counters.failovers, 1);
    assert.equal(itemsOf(servers.B), 0);
    const backSinceMs = performance.now();
    setLevel('B', 255);
    await isWith('B');
    assert.ok(performance.now() - backSinceMs >= 6 * KEEP_ALIVE_MS);
    assert.equal(itemsOf(servers.A), 0);
    const wrong = readings.filter(({ point, value }) => point.name === 'Where' && value !== PLANT && value !== null);
    assert.deepEqual(wrong, []);
  });

  it('goes to the other when a server is gone', async () => {
    setLevel('A', 255);
    setLevel('B', 255);
    await begin();
    await isWith('A');
    await servers.A.stop();
    await isWith('B');
    assert.equal(connector.status().details?.server, servers.B.url);
  });

  describe('preference', () => {
    const CASES: readonly (readonly [what: string, own: number, best: number, afterMs: number, isToLeave: boolean])[] = [
      ['stays with an equal', 255, 255, 100_000, false],
      ['leaves a server without data at once', 1, 150, 0, true],
      ['leaves an ill server for a healthy one when it has been there a while', 150, 200, 30_000, true],
      ['does not leave an ill server at once', 150, 200, 1_000, false],
      ['does not leave a healthy server for a better one at first sight', 200, 255, 100_000, false],
    ];
    for (const [what, own, best, afterMs, isToLeave] of CASES) {
      it(what, () => assert.equal(new Preference(30_000, 0).isToLeave(own, best, afterMs), isToLeave));
    }

    it('leave no session behind where the stop comes before the last of them has answered', async () => {
      const closed: number[] = [];
      const session = { read: async () => ({ statusCode: { value: 0 }, value: { value: 255 } }) };
      const fast = { session, close: async (timeoutMs: number) => void closed.push(timeoutMs) };
      const openOne = (url: string) => (url === 'fast' ? Promise.resolve(fast as never) : new Promise<never>(() => {}));
      const stop = AbortSignal.timeout(50);
      const beganMs = performance.now();
      await assert.rejects(openBest(['fast', 'slow'], openOne, stop, 'press'), { code: 'LINK_CLOSED' });
      assert.ok(performance.now() - beganMs < 1_000);
      assert.deepEqual(closed, [0]);
    });

    it('leaves for what stayed better, not for what was better now and then', () => {
      const preference = new Preference(30_000, 0);
      const levels = [255, 255, 200, 255, 255, 255, 255, 255];
      assert.deepEqual(
        levels.map((best, at) => preference.isToLeave(200, best, 40_000 + at * 10_000)),
        [false, false, false, false, false, false, true, true],
      );
    });
  });
});
