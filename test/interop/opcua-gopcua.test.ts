import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { browseTool } from '../../connectors/opcua/finding/browse-tool.ts';
import type { Value } from '../../src/model/value.ts';
import { silentLog } from '../../src/runtime/log.ts';
import type { Connector } from '../../src/southbound/connector.ts';
import {
  Bench,
  Collected,
  end,
  FAST,
  GATEWAY_ID,
  makePlan,
  OPEN,
  type PointKeys,
  planPoint,
} from '../connectors/opcua/support.ts';
import { freePort, OTHER, PLANT } from '../support/opcua-server.ts';

const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
const program = join(process.env.FIELDMARSHAL_TEST_PEERS ?? join(cache, 'fieldmarshal-test-peers'), 'gopcua', 'server');
const isHere = existsSync(program);
const title = isHere ? 'gopcua' : 'gopcua (pending: run scripts/install-test-peers/gopcua.sh; needs Go 1.23)';
const NO_STOP = new AbortController().signal;

(isHere ? describe : describe.skip)(title, () => {
  const bench = new Bench();
  let port: number;
  let peer: ChildProcess;

  beforeEach(async () => {
    await bench.begin();
    port = await freePort();
    peer = await start([PLANT, OTHER]);
  });
  afterEach(async () => {
    await bench.end();
    await end(peer);
  });

  async function start(uris: readonly string[]): Promise<ChildProcess> {
    const child = spawn(program, [String(port), ...uris], { stdio: ['pipe', 'pipe', 'ignore'] });
    assert.ok(child.stdout);
    await once(createInterface({ input: child.stdout }), 'line');
    return child;
  }

  function connector(points: Readonly<Record<string, PointKeys>>): Connector {
    // Without a slash at the end: this server offers its endpoints only under the very URL that it calls its own.
    return bench.connector(makePlan({ url: `opc.tcp://127.0.0.1:${port}`, ...FAST, ...OPEN }, { press: points }));
  }

  const EXPECTED: Readonly<Record<string, Value>> = {
    Speed: 1.5,
    Count: 7,
    MinInt64: -(2n ** 63n),
    MaxUInt64: 2n ** 64n - 1n,
    Running: true,
    Name: 'Prëss',
    Blob: 'AAH/',
    NotANumber: Number.NaN,
  };

  for (const read of ['subscribe', 'poll']) {
    it(`sends values and changes by ${read}`, async () => {
      const points = Object.fromEntries(Object.keys(EXPECTED).map((name) => [name, { read }]));
      const all = new Collected(await bench.open(connector(points)));
      for (const [name, value] of Object.entries(EXPECTED)) assert.deepEqual((await all.until(name)).value, value);
      peer.stdin?.write('set Speed 2.5\n');
      await all.until('Speed', ({ value }) => value === 2.5);
    });
  }

  it('shows what it has, though it translates no paths and names no types', async () => {
    const connection = browseTool.connectionOf(`opc.tcp://127.0.0.1:${port}`, { policy: 'none' });
    const { stateDirectory } = bench;
    const place = { gatewayId: GATEWAY_ID, stateDirectory, log: silentLog, signal: NO_STOP, depth: 2, node: `nsu=${PLANT};i=85` };
    const found = new Map<string, unknown>();
    for await (const node of browseTool.walk({ connection, ...place }))
      if (node.kind === 'variable') found.set(node.name, [node.type, node.value]);
    assert.deepEqual(
      [found.get('Speed'), found.get('Name')],
      [
        ['Double', 1.5],
        ['String', 'Prëss'],
      ],
    );
    const text = { address: `nsu=${PLANT};s=Count`, enumeration: 'text' } as const;
    const all = new Collected(await bench.open(connector({ Text: text })));
    assert.equal((await all.until('Text')).value, 7);
  });

  it('reads a point that the server does not have as bad', async () => {
    const session = await bench.open(connector({ Speed: {}, Missing: {} }));
    const [missing, speed] = await session.read(
      [planPoint('press', 'Missing', {}).point, planPoint('press', 'Speed', {}).point],
      NO_STOP,
    );
    assert.deepEqual([missing?.quality, missing?.status, speed?.value], ['bad', 'BadNodeIdUnknown', 1.5]);
  });

  it('takes values, and says which it does not take', async () => {
    const names = ['Count', 'MinInt64', 'Locked'];
    const points = Object.fromEntries(names.map((name) => [name, { access: 'read-write' as const }]));
    const session = await bench.open(connector(points));
    const pointOf = (name: string) => planPoint('press', name, {}).point;
    const write = async (name: string, value: Value) => (await session.write([{ point: pointOf(name), value }], NO_STOP))[0];
    assert.deepEqual(await write('Count', 42), { written: true });
    assert.deepEqual(await write('MinInt64', 9_007_199_254_740_993n), { written: true });
    assert.equal((await write('Locked', 1))?.written, false);
    const readings = await session.read(names.map(pointOf), NO_STOP);
    assert.deepEqual(
      readings.map(({ value }) => value),
      [42, 9_007_199_254_740_993n, 3],
    );
  });

  it('comes back after a restart with other namespace indices, and no value goes to a wrong point', async () => {
    const made = connector({ Where: {} });
    const session = await bench.open(made);
    await new Collected(session).until('Where');
    await end(peer);
    const { code } = await session.lost;
    assert.ok(code.startsWith('LINK_'), code);
    await session.close();
    peer = await start([OTHER, PLANT]);
    const after = new Collected(await bench.open(made));
    assert.equal((await after.until('Where')).value, PLANT);
    assert.ok(after.of('Where').every(({ value }) => value === PLANT));
  });
});
