import assert from 'node:assert/strict';
import type { Reading } from '../../src/model/reading.ts';
import { CountingProcess } from '../connectors/opcua/counting.ts';
import { Bench, FAST, makePlan, OPEN } from '../connectors/opcua/support.ts';
import { COUNTING } from '../support/opcua-counting-server.ts';

const RESTARTS = process.env.FIELDMARSHAL_LONG_TESTS === '1' ? 50 : 6;
const LONGEST_RETURN_MS = 5_000;
/** Each run of the server counts in a range of its own; its decoys hold what lies in none. */
const RANGE = 1_000_000;
const NAMES = ['N0', 'N1', 'N2'];

describe('an OPC UA server that is restarted again and again, with other namespace indices', function () {
  this.timeout(30_000 + RESTARTS * 15_000);
  const bench = new Bench();
  beforeEach(() => bench.begin());
  afterEach(() => bench.end());

  it(`sends no value from a wrong node, and data within 5 s of its return, ${RESTARTS} times`, async () => {
    const prepare = async (run: number, port?: number): Promise<CountingProcess> => {
      const options = { items: NAMES.length, stepMs: 50, shift: run % 4, first: run * RANGE };
      const server = await CountingProcess.prepare(bench.stateDirectory, port === undefined ? options : { ...options, port });
      bench.onEnd(() => server.kill());
      return server;
    };
    let server = await prepare(0);
    await server.listen();
    const url = `opc.tcp://127.0.0.1:${server.port}`;
    const points = Object.fromEntries(
      NAMES.map((name, at) => [name, { address: `nsu=${COUNTING};s=${name}`, read: at === 0 ? 'poll' : 'subscribe' }]),
    );
    const plan = makePlan({ url, ...OPEN, ...FAST, keepAlive: '500 ms' }, { press: points });
    const readings: Reading[] = [];
    const { connector } = bench.acquire(plan, { onBatch: (batch) => readings.push(...batch.readings) });
    const hasReturned = async (run: number) => {
      const isThere = (name: string) => readings.some(({ point, value }) => point.name === name && Number(value) >= run * RANGE);
      while (!NAMES.every(isThere)) await new Promise((resolve) => setTimeout(resolve, 10));
    };
    await hasReturned(0);
    const returnsMs: number[] = [];
    for (let run = 1; run <= RESTARTS; run += 1) {
      const next = await prepare(run, server.port);
      await server.kill();
      server = next;
      await server.listen();
      const backMs = performance.now();
      await hasReturned(run);
      returnsMs.push(performance.now() - backMs);
      const values = readings.splice(0).flatMap(({ value }) => (value === null ? [] : [Number(value)]));
      const wrong = values.filter((value) => value < (run - 1) * RANGE || value >= (run + 1) * RANGE);
      assert.deepEqual(wrong, [], `run ${run}`);
    }
    const slowestMs = Math.max(...returnsMs);
    assert.ok(slowestMs < LONGEST_RETURN_MS, `took ${Math.round(slowestMs)} ms`);
    assert.equal(connector.status().counters.rebuilds, RESTARTS);
  });
});
