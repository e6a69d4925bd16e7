import assert from 'node:assert/strict';
import { DataType, StatusCodes, VariantArrayType } from 'node-opcua';
import type { Value } from '../../../src/model/value.ts';
import type { Connector, ConnectorSession, WriteResult } from '../../../src/southbound/connector.ts';
import { OTHER, PLANT, startOpcuaServer, type TestServer } from '../../support/opcua-server.ts';
import { Bench, Collected, FAST, makePlan, OPEN, type PointKeys, planPoint } from './support.ts';

const NO_STOP = new AbortController().signal;

describe('OPC UA session', () => {
  let server: TestServer;
  const bench = new Bench();

  before(async () => {
    server = await startOpcuaServer({
      options: { serverCapabilities: { operationLimits: { maxNodesPerRead: 10, maxMonitoredItemsPerCall: 10 } } },
    });
  });
  after(() => server.stop());
  beforeEach(async () => {
    server.set('Speed', { dataType: DataType.Double, value: 1.5 });
    await bench.begin();
  });
  afterEach(() => bench.end());

  function connector(points: Readonly<Record<string, PointKeys>>, settings: Readonly<Record<string, unknown>> = {}): Connector {
    return bench.connector(makePlan({ url: server.url, ...OPEN, ...FAST, ...settings }, { press: points }));
  }

  async function collect(points: Readonly<Record<string, PointKeys>>): Promise<{ connector: Connector; all: Collected }> {
    const made = connector(points);
    return { connector: made, all: new Collected(await bench.open(made)) };
  }

  const EXPECTED: Readonly<Record<string, Value>> = {
    Speed: 1.5,
    Small: -128,
    Byte: 255,
    Int16: -32_768,
    UInt16: 65_535,
    UInt32: 4_294_967_295,
    MinInt64: -(2n ** 63n),
    MaxUInt64: 2n ** 64n - 1n,
    NotANumber: Number.NaN,
    Running: true,
    Name: 'Prëss; 07',
    Started: '1601-01-01T00:00:00.000Z',
    Blob: 'AAH/',
    Id: '72962B91-FA75-4AE6-8D28-B404DC7DAF63',
    Label: 'Öl',
    Qualified: '1:Oil',
    Node: 'ns=1;s=Oil',
    Status: 'BadDeviceFailure',
    'a;b': 1,
  };

  for (const read of ['subscribe', 'poll'] as const) {
    it(`brings every built-in type by ${read}, in requests of at most ten nodes`, async () => {
      const { all } = await collect(Object.fromEntries(Object.keys(EXPECTED).map((name) => [name, { read }])));
      for (const [name, value] of Object.entries(EXPECTED)) {
        const reading = await all.until(name);
        assert.deepEqual([name, reading.value, reading.quality], [name, value, 'good']);
      }
    });
  }

  it('brings each change, in order, with its own time', async () => {
    const { all } = await collect({ Count: { sampling: '10 ms' } });
    await all.until('Count');
    for (const value of [100, 101, 102]) {
      server.set('Count', { dataType: DataType.Int32, value });
      await all.until('Count', (reading) => reading.value === value);
    }
    const times = all.of('Count').map(({ sourceTimeMs }) => sourceTimeMs);
    assert.deepEqual(times, times.toSorted());
  });

  it('says which node does not exist, and brings its neighbours', async () => {
    const { all, connector } = await collect({ Missing: {}, Speed: {}, Lost: { address: 'nsu=urn:nobody;s=Speed' } });
    assert.equal((await all.until('Missing')).status, 'BadNodeIdUnknown');
    assert.equal((await all.until('Lost')).status, 'BadNodeIdUnknown');
    assert.equal((await all.until('Speed')).quality, 'good');
    const problems = connector.status().details?.problems as {
      count: number;
      points: Readonly<Record<string, { status: string }>>;
    };
    assert.deepEqual(
      Object.entries(problems.points).map(([id, { status }]) => [id, status]),
      [
        ['press/Missing', 'BadNodeIdUnknown'],
        ['press/Lost', 'BadNodeIdUnknown'],
      ],
    );
  });

  it('keeps the status codes of the server', async () => {
    const { all } = await collect({ Int16: {} });
    await all.until('Int16');
    server.variable('Int16').setValueFromSource({ dataType: DataType.Int16, value: 3 }, StatusCodes.UncertainSensorNotAccurate);
    const uncertain = await all.until('Int16', ({ quality }) => quality === 'uncertain');
    assert.deepEqual([uncertain.value, uncertain.status], [3, 'UncertainSensorNotAccurate']);
    server.variable('Int16').setValueFromSource({ dataType: DataType.Int16, value: 4 }, StatusCodes.BadSensorFailure);
    const bad = await all.until('Int16', ({ quality }) => quality === 'bad');
    assert.deepEqual([bad.value, bad.status], [null, 'BadSensorFailure']);
    server.set('Int16', { dataType: DataType.Int16, value: -32_768 });
  });

  it('takes the values of a node with a semicolon from the right place', async () => {
    const { all } = await collect({ Where: {}, There: { address: `nsu=${OTHER};s=Where` } });
    assert.equal((await all.until('Where')).value, PLANT);
    assert.equal((await all.until('There')).value, OTHER);
  });

  it('gives each device its own batches', async () => {
    const plan = makePlan({ url: server.url, ...OPEN, ...FAST }, { 'press-1': { Speed: {} }, 'press-2': { Count: {} } });
    const all = new Collected(await bench.open(bench.connector(plan)));
    await Promise.all([all.until('Speed'), all.until('Count')]);
    for (const { device, readings } of all.batches) {
      assert.deepEqual(
        readings.filter(({ point }) => point.device !== device),
        [],
      );
    }
  });

  it('leaves small changes to the server, and says where the server cannot', async () => {
    const { all, connector } = await collect({
      Speed: { serverDeadband: { absolute: 10 } },
      Count: { serverDeadband: { percent: 5 } },
      EveryChange: { address: `nsu=${PLANT};s=Speed` },
    });
    await Promise.all(['Speed', 'Count', 'EveryChange'].map((name) => all.until(name)));
    for (const value of [3, 50, 55, 100]) {
      server.set('Speed', { dataType: DataType.Double, value });
      await all.until('EveryChange', (reading) => reading.value === value);
      if (value >= 50 && value !== 55) await all.until('Speed', (reading) => reading.value === value);
    }
    await all.until('Speed', ({ value }) => value === 100);
    assert.deepEqual(
      all.of('Speed').map(({ value }) => value),
      [1.5, 50, 100],
    );
    const refused = connector.status().details?.deadbandRefused as { points: object } | undefined;
    assert.deepEqual(Object.keys(refused?.points ?? {}), ['press/Count']);
  });

  it('counts what overflowed the queue of the server', async () => {
    const { all, connector } = await collect({ UInt32: { sampling: '10 ms', queueSize: 2, publishingInterval: '200 ms' } });
    await all.until('UInt32');
    const overflows = () => connector.status().counters.overflows ?? 0;
    for (let value = 1; overflows() === 0 && value < 200; value += 1) {
      server.set('UInt32', { dataType: DataType.UInt32, value });
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
    assert.ok(overflows() > 0);
    server.set('UInt32', { dataType: DataType.UInt32, value: 4_294_967_295 });
  });

  it('does not read what may only be written', async () => {
    const { all } = await collect({ Byte: { access: 'write' }, Speed: {} });
    await all.until('Speed');
    assert.deepEqual(all.of('Byte'), []);
  });

  describe('one shot', () => {
    const points = { Speed: {}, Missing: {}, Label: {} };

    it('reads at once, with the DataValue as text', async () => {
      const session = await bench.open(connector(points));
      const [speed, missing] = await session.read(
        ['Speed', 'Missing'].map((name) => planPoint('press', name, {}).point),
        NO_STOP,
      );
      assert.deepEqual([speed?.value, speed?.quality], [1.5, 'good']);
      assert.match(speed?.raw ?? '', /Double/);
      assert.deepEqual([missing?.status, missing?.raw], ['BadNodeIdUnknown', '']);
    });

    it('rejects when the stop comes', async () => {
      const session = await bench.open(connector(points));
      await assert.rejects(session.read([planPoint('press', 'Speed', {}).point], AbortSignal.abort()), { name: 'GatewayError' });
    });
  });

  describe('writing', () => {
    async function write(name: string, value: Value, keys: PointKeys = {}): Promise<WriteResult | undefined> {
      const session: ConnectorSession = await bench.open(connector({ [name]: { access: 'read-write', ...keys } }));
      return (await session.write([{ point: planPoint('press', name, keys).point, value }], NO_STOP))[0];
    }

    function refusal(result: WriteResult | undefined): unknown {
      return result?.written === false ? result.error.code : result;
    }

    const WRITTEN: readonly (readonly [string, Value])[] = [
      ['Count', 42],
      ['MinInt64', 9_007_199_254_740_993n],
      ['MaxUInt64', 1n],
      ['Speed', 7],
      ['Running', false],
      ['Name', 'neu'],
      ['Started', '2026-01-01T00:00:00.000Z'],
      ['Blob', '/w=='],
    ];
    for (const [name, value] of WRITTEN) {
      it(`writes ${name} in the type of the node`, async () => {
        const before = server.variable(name).readValue().value.clone();
        assert.deepEqual(await write(name, value), { written: true });
        const { dataType, arrayType } = server.variable(name).readValue().value;
        assert.deepEqual([dataType, arrayType], [before.dataType, VariantArrayType.Scalar]);
        server.set(name, before);
      });
    }

    it('writes a 64-bit integer without losing a digit', async () => {
      await write('MinInt64', 9_007_199_254_740_993n);
      assert.deepEqual([...server.variable('MinInt64').readValue().value.value], [0x200000, 1]);
      server.set('MinInt64', { dataType: DataType.Int64, arrayType: VariantArrayType.Scalar, value: [0x80000000, 0] });
    });

    it('does not write a text to a number', async () => assert.equal(refusal(await write('Count', 'x')), 'VALUE_TYPE'));
    it('does not write what does not fit', async () => assert.equal(refusal(await write('Byte', 256)), 'VALUE_OUT_OF_RANGE'));
    it('does not write an array', async () => assert.equal(refusal(await write('List', 1)), 'VALUE_TYPE'));
    it('tells of a node that is not there', async () => assert.equal(refusal(await write('Missing', 1)), 'DEVICE_EXCEPTION'));
    it('tells of a node that nobody may write', async () => {
      const result = await write('Locked', 1);
      assert.equal(refusal(result), 'DEVICE_EXCEPTION');
      assert.match(result?.written === false ? result.error.message : '', /BadNotWritable|BadUserAccessDenied/);
    });
  });

  describe('closing', () => {
    it('is done once, without a loss, and stays silent after', async () => {
      const session = await bench.open(connector({ Speed: {} }));
      let isComplete = false;
      session.batches.subscribe({
        complete: () => {
          isComplete = true;
        },
      });
      await Promise.all([session.close(), session.close()]);
      assert.equal(isComplete, true);
      const lost = await Promise.race([session.lost, Promise.resolve('pending')]);
      assert.equal(lost, 'pending');
    });
  });
});
