import assert from 'node:assert/strict';
import { scan } from '../../../connectors/modbus/finding/scan.ts';
import { scanPlan } from '../../../connectors/modbus/finding/scan-target.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import type { ScanEvent, ScanOptions } from '../../../src/southbound/scan-tool.ts';
import { type Plant, type SerialPlant, startPlant, startSerialPlant } from './plant.ts';
import { never } from './rig.ts';

const context = { log: silentLog, clock: systemClock, gatewayId: 'test', stateDirectory: '' };

async function collect(target: string, options: ScanOptions, signal: AbortSignal = never): Promise<readonly ScanEvent[]> {
  const events: ScanEvent[] = [];
  for await (const event of scan({ target, options, context, signal })) events.push(event);
  return events;
}

const of = (events: readonly ScanEvent[], kind: ScanEvent['kind']) => events.filter((event) => event.kind === kind);
const READS = [1, 2, 3, 4, 43];

describe('scanning for Modbus units', () => {
  let plant: Plant;

  afterEach(() => plant.dispose());

  const endpointOf = () => plant.planOf({}).endpoint;
  const assertOnlyRead = () => {
    for (const device of plant.units.values())
      for (const [code = 0] of device.requests) assert.ok(READS.includes(code), `function ${code} is no read`);
  };

  it('finds the units of a host, with what they say of themselves, and takes an exception for an answer', async () => {
    plant = await startPlant('modbus-tcp', [2, 5], { missing: [{ table: 'holding', from: 0, to: 9 }] });
    const events = await collect(endpointOf(), { units: [1, 2, 3, 4, 5, 6], timeoutMs: 150 });
    assert.deepEqual(
      of(events, 'found').map(({ data }) => [data.unit, data.answer]),
      [
        [2, 'answers with exception 2, it has no holding register 0'],
        [5, 'answers with exception 2, it has no holding register 0'],
      ],
    );
    const [found] = of(events, 'found');
    assert.equal((found?.data.identification as Record<string, string> | undefined)?.vendorName, 'Fieldmarshal');
    assert.match(found?.text ?? '', /^unit 2: .* · Fieldmarshal, SIM/);
    assert.equal(events[0]?.kind, 'plan');
    assert.match(events[0]?.text ?? '', /6 units.*at most 1 s/);
    assert.match(events.at(-1)?.text ?? '', /2 of 6 units answer/);
    assertOnlyRead();
  });

  it('finds a unit that knows nothing of identification', async () => {
    plant = await startPlant('modbus-rtu-over-tcp', [1], { functions: [3] });
    const events = await collect(endpointOf(), { units: [1, 2], timeoutMs: 300 });
    assert.deepEqual(
      of(events, 'found').map(({ data }) => [data.unit, data.answer, data.identification]),
      [[1, 'answers, holding 0 is 0000', {}]],
    );
  });

  it('finds units that speak Modbus ASCII, on a line in the ways that are usual there', async () => {
    plant = await startPlant('modbus-ascii', [3]);
    const options = { units: [3], timeoutMs: 200, baudRates: [9_600] };
    const port = (plant as SerialPlant).wire.path;
    const [found] = of(await collect(`modbus-ascii://${port}`, { ...options, parities: ['none'] }), 'found');
    assert.deepEqual([found?.data.unit, found?.data.protocol, found?.data.dataBits], [3, 'modbus-ascii', 8]);
    const { approaches } = scanPlan(`modbus-ascii://${port}`, options);
    assert.deepEqual(
      approaches.map(({ text }) => text),
      ['9600 baud, 7 data bits, parity even', '9600 baud, 8 data bits, parity none', '9600 baud, 7 data bits, parity odd'],
    );
  });

  it('takes a converter that says "nobody there" for nobody', async () => {
    plant = await startPlant('modbus-tcp', [1, 2]);
    plant.faults.add({ kind: 'exception', code: 11 }, { unit: 1 });
    const events = await collect(endpointOf(), { units: [1, 2], timeoutMs: 300 });
    assert.deepEqual(
      of(events, 'found').map(({ data }) => data.unit),
      [2],
    );
  });

  it('says what is wrong with the answers of a device that answers otherwise than it is asked', async () => {
    plant = await startPlant('modbus-tcp', [1]);
    plant.faults.add({ kind: 'wrong-unit' });
    const [damaged] = of(await collect(endpointOf(), { units: [1] }), 'damaged');
    assert.match(
      damaged?.text ?? '',
      /^something answers unit 1, but not as it is asked \(answer of unit \d+: unit 1, function 3/,
    );
  });

  it('goes on where the device closes the connection', async () => {
    plant = await startPlant('modbus-tcp', [1, 2]);
    plant.faults.add({ kind: 'reset' }, { unit: 1, times: 2 });
    const events = await collect(endpointOf(), { units: [1, 2], timeoutMs: 500 });
    assert.deepEqual(
      of(events, 'found').map(({ data }) => data.unit),
      [1, 2],
    );
  });

  it('says that one device may answer to every number', async () => {
    plant = await startPlant('modbus-tcp', [1, 2]);
    assert.match((await collect(endpointOf(), { units: [1, 2] })).at(-1)?.text ?? '', /every number answers/);
  });

  it('tries baud rates and parities until somebody answers, and no longer', async () => {
    plant = startSerialPlant([2]);
    const line = plant.planOf({}).settings as unknown as { readonly port: string };
    plant.faults.add({ kind: 'silent' }, { times: 1 });
    const events = await collect(`modbus-rtu://${line.port}`, {
      units: [1, 2],
      baudRates: [9_600, 19_200, 38_400],
      parities: ['none'],
      timeoutMs: 200,
    });
    assert.match(events[0]?.text ?? '', /3 combinations/);
    assert.deepEqual(
      of(events, 'trying').map(({ text }) => text),
      ['9600 baud, parity none', '19200 baud, parity none'],
    );
    const [found] = of(events, 'found');
    assert.deepEqual([found?.data.unit, found?.data.baudRate, found?.data.parity], [2, 19_200, 'none']);
    assertOnlyRead();
  });

  for (const [unit, tried, met] of [
    [
      12,
      [
        '9600 baud, parity none, the first 8 units',
        '19200 baud, parity none, the first 8 units',
        '9600 baud, parity none, the other 4 units',
      ],
      [12],
    ],
    [2, ['9600 baud, parity none, the first 8 units'], [2, 11]],
  ] as const) {
    it(`tries the first units with every baud rate before the others with any, and then all with the right one (unit ${unit})`, async () => {
      plant = startSerialPlant(met);
      const line = plant.planOf({}).settings as unknown as { readonly port: string };
      const events = await collect(`modbus-rtu://${line.port}`, {
        units: Array.from({ length: 12 }, (_, index) => index + 1),
        baudRates: [9_600, 19_200],
        parities: ['none'],
        timeoutMs: 150,
      });
      assert.deepEqual(
        of(events, 'trying').map(({ text }) => text),
        tried,
      );
      assert.deepEqual(
        of(events, 'found').map(({ data }) => data.unit),
        met,
      );
      assert.match(events.at(-1)?.text ?? '', new RegExp(`^${met.length} of 12 units answer`));
    });
  }

  it('finds the ranges of each table that can be read', async () => {
    const missing = [
      { table: 'holding', from: 0, to: 9 },
      { table: 'holding', from: 57, to: 57 },
      { table: 'holding', from: 200, to: 65_535 },
      { table: 'input', from: 0, to: 65_535 },
      { table: 'coil', from: 100, to: 65_535 },
    ] as const;
    plant = await startPlant('modbus-tcp', [1], { missing, functions: [1, 3, 4] });
    const events = await collect(endpointOf(), { units: [1], ranges: { from: 0, to: 299 } });
    assert.deepEqual(
      of(events, 'range').map(({ data }) => [data.table, data.ranges]),
      [
        [
          'holding',
          [
            { from: 10, to: 56 },
            { from: 58, to: 199 },
          ],
        ],
        ['input', []],
        ['coil', [{ from: 0, to: 99 }]],
        ['discrete', []],
      ],
    );
    assert.match(of(events, 'range')[0]?.text ?? '', /unit 1: holding 10 to 56, 58 to 199/);
    assert.match(of(events, 'range')[3]?.text ?? '', /does not know the function/);
    assertOnlyRead();
  });

  it('stops when it is told to, and leaves the line', async () => {
    plant = await startPlant('modbus-tcp', [200]);
    const stop = new AbortController();
    const events: ScanEvent[] = [];
    const run = async () => {
      for await (const event of scan({ target: endpointOf(), options: { timeoutMs: 2_000 }, context, signal: stop.signal })) {
        events.push(event);
        setTimeout(() => stop.abort(new Error('told to')), 100);
      }
    };
    const startedMs = performance.now();
    await assert.rejects(run());
    assert.ok(performance.now() - startedMs < 1_900, 'no time-out was waited for');
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['plan'],
    );
  });

  for (const target of [
    '10.0.0.5',
    'http://10.0.0.5',
    'modbus-tcp://',
    'modbus-rtu://ttyUSB0/x',
    'modbus-rtu:///',
    'modbus-tcp://a b',
  ]) {
    it(`refuses the target ${target}`, async () => {
      plant = await startPlant('modbus-tcp');
      await assert.rejects(collect(target, {}), { code: 'USAGE' });
    });
  }
});
