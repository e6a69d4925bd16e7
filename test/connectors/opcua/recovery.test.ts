import assert from 'node:assert/strict';
import { DataType } from 'node-opcua';
import type { OpcuaSession } from '../../../connectors/opcua/session.ts';
import type { DeviceGap } from '../../../src/model/device-gap.ts';
import type { Connector } from '../../../src/southbound/connector.ts';
import { OTHER, PLANT, startOpcuaServer, type TestServer, type TestServerOptions } from '../../support/opcua-server.ts';
import { sessionsOf } from '../../support/opcua-sessions.ts';
import { TcpCable } from '../../support/tcp-cable.ts';
import { Bench, Collected, end, FAST, makePlan, OPEN, type PointKeys, spawnServer } from './support.ts';

describe('OPC UA recovery', function () {
  // Servers are started, frozen and waited for.
  this.timeout(30_000);
  const bench = new Bench();
  beforeEach(() => bench.begin());
  afterEach(() => bench.end());

  async function serve(options: TestServerOptions = {}): Promise<TestServer> {
    const server = await startOpcuaServer(options);
    bench.onEnd(() => server.stop());
    return server;
  }

  function connector(url: string, points: Readonly<Record<string, PointKeys>>, settings = {}): Connector {
    return bench.connector(makePlan({ url, ...OPEN, ...FAST, ...settings }, { press: points }));
  }

  describe('of a server that comes back with its namespaces in another order', () => {
    const points = { Where: {}, ByIndex: { address: 'ns=2;s=Where' } };

    it('takes no value from a wrong node, and says which address cannot be trusted', async () => {
      const first = await startOpcuaServer({ namespaces: [PLANT, OTHER] });
      const made = connector(first.url, points);
      const session = await bench.open(made);
      const before = new Collected(session);
      assert.equal((await before.until('Where')).value, PLANT);
      assert.equal((await before.until('ByIndex')).value, PLANT);
      await first.stop();
      await serve({ namespaces: [OTHER, PLANT], port: first.port });
      assert.equal((await session.lost).code, 'LINK_CLOSED');
      await session.close();
      const after = new Collected(await bench.open(made));
      assert.equal((await after.until('Where')).value, PLANT);
      assert.equal((await after.until('ByIndex')).status, 'BadNodeIdInvalid');
      const values = [before, after].flatMap((all) => [...all.of('Where'), ...all.of('ByIndex')]).map(({ value }) => value);
      assert.deepEqual(
        values.filter((value) => value !== PLANT && value !== null),
        [],
      );
      assert.equal(made.status().counters.rebuilds, 1);
    });
  });

  describe('of the network', () => {
    let server: TestServer;
    let cable: TcpCable;

    beforeEach(async () => {
      server = await serve();
      cable = new TcpCable(server.port);
      await cable.plug();
      bench.onEnd(() => cable.pull());
    });

    const url = () => `opc.tcp://127.0.0.1:${cable.port}`;

    it('loses no value that the server kept during a short break', async () => {
      const made = connector(url(), { Count: { sampling: '10 ms', queueSize: 100 } }, { keepAlive: '3 s' });
      const all = new Collected(await bench.open(made));
      await all.until('Count');
      cable.cut();
      for (const value of [1, 2, 3, 4, 5]) {
        server.set('Count', { dataType: DataType.Int32, value });
        // The server lives in this process: a halt of it is over before the last of these, and the server has looked meanwhile.
        for (let look = 0; look < 3; look += 1) await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await all.until('Count', ({ value }) => value === 5);
      assert.deepEqual(
        all.of('Count').map(({ value }) => value),
        [7, 7, 1, 2, 3, 4, 5],
      );
      assert.deepEqual(
        all.of('Count').map(({ quality }) => quality),
        ['good', 'uncertain', 'good', 'good', 'good', 'good', 'good'],
      );
      const { reconnections, rebuilds, sequence_gaps } = made.status().counters;
      assert.deepEqual({ reconnections, rebuilds, sequence_gaps }, { reconnections: 1, rebuilds: 0, sequence_gaps: 0 });
    });

    for (const read of ['subscribe', 'poll']) {
      it(`doubts by ${read} what it knows as soon as the cable is pulled, and trusts it again when it is back`, async () => {
        const made = connector(url(), { Speed: { read }, Count: { read }, Missing: { read } }, { keepAlive: '4 s' });
        const all = new Collected(await bench.open(made));
        await Promise.all([all.until('Speed'), all.until('Count')]);
        await cable.pull();
        const doubt = await all.until('Speed', ({ quality }) => quality === 'uncertain');
        assert.deepEqual([doubt.value, doubt.status], [1.5, 'UncertainNoCommunicationLastUsableValue']);
        await all.until('Count', ({ quality }) => quality === 'uncertain');
        assert.equal(made.status().devices.press?.state, 'waiting');
        const before = all.batches.length;
        await cable.plug();
        const after = new Map(
          await Promise.all(['Speed', 'Count'].map(async (name) => [name, await all.untilAfter(before, name)] as const)),
        );
        assert.deepEqual(
          [...after.values()].map(({ quality, value }) => [quality, value]),
          [
            ['good', 1.5],
            ['good', 7],
          ],
        );
        assert.ok((after.get('Speed')?.sourceTimeMs ?? 0) >= doubt.sourceTimeMs);
        assert.ok(all.of('Missing').every(({ status }) => status === 'BadNodeIdUnknown'));
        const { reconnections, rebuilds } = made.status().counters;
        assert.deepEqual({ reconnections, rebuilds }, { reconnections: 1, rebuilds: 0 });
      });
    }

    it('takes nothing for told that a subscription which it took over still has to tell', async () => {
      const made = connector(url(), { Count: {} }, { keepAlive: '300 ms' });
      const session = await bench.open(made);
      await new Collected(session).until('Count');
      const pulledMs = Date.now();
      await cable.pull();
      await session.lost;
      await session.close();
      await cable.plug();
      const again = (await bench.open(made)) as OpcuaSession;
      const all = new Collected(again);
      const { publisher } = again.acquisition.watching;
      while (publisher.subscriptions.length === 0) await new Promise((resolve) => setImmediate(resolve));
      const [{ completeTimeMs } = { completeTimeMs: 0 }] = publisher.subscriptions;
      assert.equal(made.status().counters.transfers, 1);
      assert.ok(completeTimeMs <= pulledMs, `${completeTimeMs - pulledMs} ms after the break began`);
      await all.until('Count', ({ quality }) => quality === 'good');
    });

    it('gives up when the break is longer than 2.5 keep-alives, and frees everything', async () => {
      const made = connector(url(), { Count: {} }, { keepAlive: '500 ms' });
      const session = await bench.open(made);
      await new Collected(session).until('Count');
      await cable.pull();
      assert.equal((await session.lost).code, 'LINK_CLOSED');
      await session.close();
      await cable.plug();
      cable.onConnection = () => assert.fail('somebody still tries to connect');
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      assert.equal(made.status().devices.press?.state, 'down');
      assert.equal(made.status().devices.press?.error?.code, 'LINK_CLOSED');
    });
  });

  it('rebuilds when the server ends the subscription by itself', async () => {
    const server = await serve();
    const session = await bench.open(connector(server.url, { Speed: {} }));
    await new Collected(session).until('Speed');
    for (const { publishEngine } of Object.values(sessionsOf(server))) {
      for (const subscription of publishEngine.subscriptions) subscription.terminate();
    }
    assert.equal((await session.lost).code, 'LINK_CLOSED');
  });

  it('notices a subscription that has fallen silent while the server goes on answering', async () => {
    const server = await serve();
    const session = await bench.open(connector(server.url, { Speed: {} }, { keepAlive: '500 ms' }));
    await new Collected(session).until('Speed');
    for (const { publishEngine } of Object.values(sessionsOf(server))) {
      for (const subscription of publishEngine.subscriptions) subscription._stop_timer();
    }
    const { code, message } = await session.lost;
    assert.equal(code, 'LINK_TIMEOUT');
    assert.match(message, /subscription/);
  });

  it('counts a message that went missing, and doubts the points it may have told', async () => {
    const server = await serve();
    const made = connector(server.url, { Speed: {}, Count: {} });
    const session = await bench.open(made);
    const gaps: DeviceGap[] = [];
    session.gaps?.subscribe((gap) => gaps.push(gap));
    const all = new Collected(session);
    await Promise.all([all.until('Speed'), all.until('Count')]);
    for (const { publishEngine } of Object.values(sessionsOf(server))) {
      for (const subscription of publishEngine.subscriptions) subscription._sequence_number_generator.next();
    }
    server.set('Speed', { dataType: DataType.Double, value: 9 });
    const doubt = await all.until('Count', ({ quality }) => quality === 'uncertain');
    assert.deepEqual([doubt.value, doubt.status], [7, 'UncertainLastUsableValue']);
    await all.until('Speed', ({ value, quality }) => value === 9 && quality === 'good');
    const seen = await all.untilAfter(
      0,
      'Count',
      ({ sourceTimeMs, quality }) => quality === 'good' && sourceTimeMs > doubt.sourceTimeMs,
    );
    assert.equal(seen.value, 7);
    assert.equal(made.status().counters.sequence_gaps, 1);
    // The history that might fill it is looked for first.
    while (gaps.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(
      gaps.map(({ reason, points, readings, isOver }) => [reason, points.map(({ name }) => name), readings, isOver]),
      [['subscription-gap', ['Speed'], 0, true]],
      'Count is the same sample as before',
    );
  });

  it('hands on nothing twice of a message that comes twice', async () => {
    const server = await serve();
    const made = connector(server.url, { Count: { sampling: '10 ms', queueSize: 100 } });
    const all = new Collected(await bench.open(made));
    await all.until('Count');
    for (const { publishEngine } of Object.values(sessionsOf(server))) {
      const send = publishEngine._send_response.bind(publishEngine);
      publishEngine._send_response = (subscription, response) => {
        send(subscription, response);
        if (publishEngine.pendingPublishRequestCount > 0) send(subscription, response);
      };
    }
    for (const value of [101, 102, 103]) {
      server.set('Count', { dataType: DataType.Int32, value });
      await all.until('Count', (reading) => reading.value === value);
    }
    assert.deepEqual(
      all.of('Count').map(({ value }) => value),
      [7, 101, 102, 103],
    );
    assert.ok((made.status().counters.repeated_messages ?? 0) > 0);
  });

  for (const read of ['subscribe', 'poll']) {
    it(`notices by ${read} that a server is frozen`, async () => {
      const { server: peer, port } = await spawnServer(bench.stateDirectory);
      bench.onEnd(() => end(peer));
      const url = `opc.tcp://127.0.0.1:${port}`;
      const socketsBefore = openSockets();
      const session = await bench.open(connector(url, { Speed: { read } }, { keepAlive: '500 ms', timeout: '10 s' }));
      await new Collected(session).until('Speed');
      peer.kill('SIGSTOP');
      const startedMs = performance.now();
      assert.equal((await session.lost).code, 'LINK_TIMEOUT');
      assert.ok(performance.now() - startedMs < 5_000);
      const closingMs = performance.now();
      await session.close();
      assert.ok(performance.now() - closingMs < 5_000);
      while (openSockets() > socketsBefore) await new Promise((resolve) => setTimeout(resolve, 20));
    });
  }
});

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'TCPSocketWrap').length;
}
