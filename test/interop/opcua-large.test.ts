import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { makeNodeId } from 'node-opcua-client';
import { planOf } from '../../bench/opcua/pipeline-client.ts';
import { connect } from '../../connectors/opcua/connection/client.ts';
import { walk } from '../../connectors/opcua/finding/browse.ts';
import { connectionSchema } from '../../connectors/opcua/mapping/settings.ts';
import { readServerFacts } from '../../connectors/opcua/protocol/requests.ts';
import { trustFolders } from '../../connectors/opcua/security/trust.ts';
import { Expiries } from '../../src/runtime/expiries.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { Bench, GATEWAY_ID, OPEN } from '../connectors/opcua/support.ts';
import { findLoadServer, OpcuaLoadServer } from '../support/opcua-load-server.ts';
import { until } from '../support/scenario/wait.ts';

/** What one request may carry; the server refuses a longer one, and counts it. */
const PER_CALL = 100;
const IS_LARGE = process.env.FIELDMARSHAL_TEST_LARGE === '1';
const ITEMS = IS_LARGE ? 50_000 : 5_000;
const NODES = IS_LARGE ? 100_000 : 5_000;
const MIB = 1_048_576;
/** The walk has to know every id that it met, since more than one way may lead to a node. */
const BYTES_PER_ID = 300;

const program = findLoadServer();
const size = IS_LARGE
  ? '50 000 items, 100 000 nodes'
  : '5 000 items and nodes; FIELDMARSHAL_TEST_LARGE=1 takes 50 000 and 100 000';
const title = `a large OPC UA server (${size})${program === undefined ? ' (pending: run scripts/install-test-peers/gopcua.sh)' : ''}`;

(program === undefined ? describe.skip : describe)(title, function () {
  this.timeout(300_000);
  const bench = new Bench();
  let server: OpcuaLoadServer;

  beforeEach(() => bench.begin());
  afterEach(() => bench.end());

  async function begin(variables: number): Promise<void> {
    server = await OpcuaLoadServer.start(program ?? '', { variables, intervalMs: 3_600_000, perCall: PER_CALL });
    bench.onEnd(() => server.stop());
  }

  it('is watched within its limits, and every item gets its first value', async () => {
    await begin(ITEMS);
    const connector = bench.connector(planOf({ url: server.url, items: ITEMS, intervalMs: 100 }));
    const session = await bench.open(connector);
    const good = new Set<string>();
    session.batches.subscribe(({ readings }) => {
      for (const { point, quality } of readings) if (quality === 'good') good.add(point.id);
    });
    await until('every item has told its value', () => good.size === ITEMS, { withinMs: 240_000 });
    const { details } = connector.status();
    assert.deepEqual([details?.itemStates, server.refusals], [{ waiting: 0, active: ITEMS, failed: 0 }, 0]);
  });

  it('is browsed within its limits, each node once, in no more memory than the ids take', async () => {
    await begin(NODES);
    const settings = { ...connectionSchema.parse({ url: server.url, ...OPEN }), url: server.url };
    const folders = trustFolders(bench.stateDirectory);
    const signal = new AbortController().signal;
    const expiries = new Expiries(silentLog);
    const open = await connect({ name: 'large', settings, folders, gatewayId: GATEWAY_ID, signal, log: silentLog, expiries });
    bench.onEnd(() => open.close(1_000));
    const facts = await readServerFacts(open.session);
    assert.deepEqual([facts.limits.nodesPerBrowse, facts.limits.nodesPerRead], [5, PER_CALL]);
    const start = makeNodeId('all', server.namespaceIndex);
    const heap: number[] = [];
    let [variables, objects] = [0, 0];
    for await (const { kind } of walk({ session: open.session, facts, start, depth: 10 })) {
      if (kind === 'object') objects += 1;
      else variables += 1;
      if (variables > 0 && variables % (NODES / 5) === 0) heap.push(heapBytes());
    }
    const groups = NODES / 100 + Math.ceil(NODES / 10_000);
    assert.deepEqual([variables, objects, server.refusals], [NODES, groups, 0]);
    const grown = (heap.at(-1) ?? 0) - (heap[0] ?? 0);
    if (IS_LARGE) console.log(`      heap: ${heap.map((bytes) => (bytes / MIB).toFixed(1)).join(', ')} MiB`);
    assert.ok(grown < MIB + BYTES_PER_ID * NODES, `the heap grew by ${grown} bytes`);
  });
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}
