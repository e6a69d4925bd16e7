import assert from 'node:assert/strict';
import { DataType, Variant, VariantArrayType } from 'node-opcua';
import type { Value } from '../../../src/model/value.ts';
import { addMachine, MACHINE, type Machine, PART } from '../../support/opcua-machine.ts';
import { startOpcuaServer, type TestServer } from '../../support/opcua-server.ts';
import { Bench, Collected, FAST, makePlan, OPEN, type PointKeys } from './support.ts';

const PART_VALUE = { ...PART, Serial: 9_007_199_254_740_993n };

/** What each point is, by its keys. */
const EXPECTED: Readonly<Record<string, readonly [node: string, keys: PointKeys, value: Value]>> = {
  doubles: ['Doubles', {}, [1, 2, 3]],
  longs: ['Longs', {}, [9_007_199_254_740_993n, -1n]],
  matrix: [
    'Matrix',
    {},
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
  ],
  secondDouble: ['Doubles', { path: '[1]' }, 2],
  firstLong: ['Longs', { path: '[0]' }, 9_007_199_254_740_993n],
  row: ['Matrix', { path: '[1]' }, [4, 5, 6]],
  cell: ['Matrix', { path: '[1,2]' }, 6],
  sameCell: ['Matrix', { path: '[1][2]' }, 6],
  range: ['Doubles', { indexRange: '1:2' }, [2, 3]],
  inRange: ['Doubles', { indexRange: '1:2', path: '[1]' }, 3],
  block: ['Matrix', { indexRange: '0:1,1' }, [[2], [5]]],
  part: ['Part', {}, PART_VALUE],
  serial: ['Part', { path: 'Serial' }, 9_007_199_254_740_993n],
  x: ['Part', { path: 'Position.X' }, 1.5],
  trackY: ['Part', { path: 'Track[1].Y' }, 6],
  weight: ['Part', { path: 'Weights[0]' }, 0.1],
  nut: ['Parts', { path: '[1].Name' }, 'nut'],
  mode: ['Mode', {}, 1],
  modeText: ['Mode', { enumeration: 'text' }, 'Running'],
  stepText: ['Step', { enumeration: 'text' }, 'Press'],
  modeOfPart: ['Part', { path: 'Mode', enumeration: 'text' }, 'Running'],
  partText: ['Part', { enumeration: 'text' }, { ...PART_VALUE, Mode: 'Running' }],
  door: ['Door', { enumeration: 'text' }, 'open'],
};

describe('OPC UA arrays, structures and enumerations', () => {
  let server: TestServer;
  let machine: Machine;
  const bench = new Bench();

  before(async () => {
    server = await startOpcuaServer({
      options: { serverCapabilities: { operationLimits: { maxNodesPerRead: 10, maxMonitoredItemsPerCall: 10 } } },
    });
    machine = await addMachine(server.server);
  });
  after(() => server.stop());
  beforeEach(() => bench.begin());
  afterEach(() => bench.end());

  async function collect(points: Readonly<Record<string, PointKeys>>) {
    const connector = bench.connector(makePlan({ url: server.url, ...OPEN, ...FAST }, { press: points }));
    return { connector, all: new Collected(await bench.open(connector)) };
  }

  const at = (node: string, keys: PointKeys): PointKeys => ({ address: `nsu=${MACHINE};s=${node}`, ...keys });

  it('brings them whole and in parts, subscribed and polled', async () => {
    const points = (['subscribe', 'poll'] as const).flatMap((read) =>
      Object.entries(EXPECTED).map(
        ([name, [node, keys, value]]) => [`${read}_${name}`, at(node, { ...keys, read }), value] as const,
      ),
    );
    const { all } = await collect(Object.fromEntries(points.map(([name, keys]) => [name, keys])));
    for (const [name, , value] of points) {
      const reading = await all.until(name);
      assert.deepEqual([name, reading.value, reading.quality], [name, value, 'good']);
    }
  }).timeout(60_000);

  it('watches a node once for all points in it', async () => {
    const parts = { x: 'Position.X', y: 'Position.Y', name: 'Name', serial: 'Serial' };
    const points = Object.entries(parts).map(([name, path]) => [name, at('Part', { path })] as const);
    const { all, connector } = await collect(Object.fromEntries(points));
    await Promise.all(Object.keys(parts).map((name) => all.until(name)));
    assert.equal(connector.status().details?.monitoredItems, 1);
    machine.set('Part', machine.part({ ...PART, Name: 'screw', Position: { X: 8, Y: 9 } }));
    await all.until('name', ({ value }) => value === 'screw');
    await all.until('y', ({ value }) => value === 9);
    machine.set('Part', machine.part(PART));
  }).timeout(60_000);

  it('learns what structures consist of once for a run of the server', async () => {
    const connector = bench.connector(makePlan({ url: server.url, ...OPEN, ...FAST }, { press: { part: at('Part', {}) } }));
    const requests: number[] = [];
    const count = () => {
      requests[requests.length - 1] = (requests.at(-1) ?? 0) + 1;
    };
    server.server.on('request', count);
    for (const _ of ['first', 'second']) {
      requests.push(0);
      const session = await bench.open(connector);
      assert.deepEqual((await new Collected(session).until('part')).value, PART_VALUE);
      await session.close();
    }
    server.server.off('request', count);
    const [first = 0, second = 0] = requests;
    assert.ok(second < first / 4, `${first} requests, then ${second}`);
  });

  it('says where there is nothing at the path', async () => {
    const { all } = await collect({
      noField: at('Part', { path: 'Position.Z' }),
      noElement: at('Doubles', { path: '[3]' }),
      noArray: at('Mode', { path: '[0]' }),
      there: at('Doubles', { path: '[2]' }),
    });
    for (const name of ['noField', 'noElement', 'noArray'])
      assert.deepEqual([name, (await all.until(name)).status], [name, 'BadNoMatch']);
    assert.equal((await all.until('there')).value, 3);
  }).timeout(60_000);

  it('sends a number without text as text, uncertain', async () => {
    const { all } = await collect({ mode: at('Mode', { enumeration: 'text' }) });
    await all.until('mode', ({ value }) => value === 'Running');
    machine.set('Mode', { dataType: DataType.Int32, value: 7 });
    const unknown = await all.until('mode', ({ value }) => value === '7');
    assert.deepEqual([unknown.quality, unknown.status], ['uncertain', 'UncertainEngineeringUnitsExceeded']);
    machine.set('Mode', { dataType: DataType.Int32, value: 1 });
  });

  it('follows an array that grows', async () => {
    const { all } = await collect({ doubles: at('Doubles', {}), fourth: at('Doubles', { path: '[3]' }) });
    await all.until('fourth', ({ quality }) => quality === 'bad');
    const longer = new Variant({ dataType: DataType.Double, arrayType: VariantArrayType.Array, value: [1, 2, 3, 4] });
    machine.set('Doubles', longer);
    assert.equal((await all.until('fourth', ({ quality }) => quality === 'good')).value, 4);
    machine.set('Doubles', { dataType: DataType.Double, arrayType: VariantArrayType.Array, value: [1, 2, 3] });
  });
});
