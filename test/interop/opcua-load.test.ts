import assert from 'node:assert/strict';
import { planOf } from '../../bench/opcua/pipeline-client.ts';
import type { Reading } from '../../src/model/reading.ts';
import { Bench } from '../connectors/opcua/support.ts';
import { findLoadServer, OpcuaLoadServer } from '../support/opcua-load-server.ts';
import { freePort, pause, until } from '../support/scenario/wait.ts';
import { TcpCable } from '../support/tcp-cable.ts';

const ITEMS = 10_000;
const INTERVAL_MS = 100;

/** What the server numbers: each change of a variable is one more than the one before. */
class NumberedChanges {
  readonly #last = new Map<string, number>();
  changes = 0;
  lost = 0;
  repeated = 0;

  take(readings: readonly Reading[]): void {
    for (const { point, value, quality } of readings) {
      if (quality !== 'good') continue;
      const step = Number(value) - (this.#last.get(point.id) ?? Number(value) - 1);
      if (step > 1) this.lost += step - 1;
      if (step < 1) this.repeated += 1;
      this.#last.set(point.id, Number(value));
      this.changes += 1;
    }
  }
}

const program = findLoadServer();
const title = `gopcua, 100 000 changes/s${program === undefined ? ' (pending: run scripts/install-test-peers/gopcua.sh)' : ''}`;

(program === undefined ? describe.skip : describe)(title, () => {
  const bench = new Bench();
  beforeEach(() => bench.begin());
  afterEach(() => bench.end());

  it('loses no change, though the network breaks for half a second', async () => {
    const port = await freePort();
    const cable = new TcpCable(port);
    bench.onEnd(() => cable.pull());
    await cable.plug();
    const options = { variables: ITEMS, intervalMs: INTERVAL_MS, otherPort: cable.port };
    const server = await OpcuaLoadServer.start(program ?? '', options, port);
    bench.onEnd(() => server.stop());
    // The server keeps 20 values of each item: two seconds.
    const plan = planOf({ url: `opc.tcp://127.0.0.1:${cable.port}`, items: ITEMS, intervalMs: INTERVAL_MS, queueSize: 20 });
    const connector = bench.connector(plan);
    const session = await bench.open(connector);
    const seen = new NumberedChanges();
    session.batches.subscribe(({ readings }) => seen.take(readings));
    await until('every item has told ten changes', () => seen.changes >= 10 * ITEMS);
    await cable.pull();
    await pause(500);
    await cable.plug();
    const before = seen.changes;
    await until('it goes on', () => seen.changes >= before + 20 * ITEMS);
    assert.deepEqual([seen.lost, seen.repeated, connector.status().counters.reconnections], [0, 0, 1]);
  });
});
