import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataType } from '../../src/model/data-type.ts';
import { shortestFloat32 } from '../../src/model/float32.ts';
import type { Value } from '../../src/model/value.ts';
import type { PointSketch } from '../connectors/modbus/modbus-plan.ts';
import { openRig, type Rig } from '../connectors/modbus/rig.ts';
import { runCli } from '../support/run-cli.ts';
import { ForeignModbusPlant, modbusPeers, UNIT } from './peers/foreign-modbus-plant.ts';

const ORDERS = {
  ABCD: {},
  CDAB: { wordOrder: 'little-endian' },
  BADC: { byteOrder: 'little-endian' },
  DCBA: { wordOrder: 'little-endian', byteOrder: 'little-endian' },
} as const;
type Order = keyof typeof ORDERS;

/** A type, the orders that the foreign side encodes, and two values: one it gives us, one we give it. */
interface Sample {
  readonly type: DataType;
  readonly orders: readonly Order[];
  readonly values: readonly [given: Value, written: Value];
  /** Registers of text. */
  readonly length?: number;
}

const ALL = ['ABCD', 'CDAB', 'BADC', 'DCBA'] as const;
const BYTES = ['ABCD', 'BADC'] as const;
const PLAIN = ['ABCD'] as const;
const float = (value: number) => shortestFloat32(Math.fround(value));

const INTEGERS: readonly (Omit<Sample, 'orders'> & { readonly bits: number })[] = [
  { type: 'int16', bits: 16, values: [-32_767, 0x1234] },
  { type: 'uint16', bits: 16, values: [0xfedc, 0x1234] },
  { type: 'int32', bits: 32, values: [-100_000, 0x12345678] },
  { type: 'uint32', bits: 32, values: [0xfedcba98, 0x12345678] },
  { type: 'int64', bits: 64, values: [-(2n ** 63n) + 0x0123456789abcdn, 0x0123456789abcdefn] },
  { type: 'uint64', bits: 64, values: [0xfedcba9876543210n, 0x0123456789abcdefn] },
];

const PYMODBUS_SAMPLES: readonly Sample[] = [
  ...INTEGERS.map((sample) => ({ ...sample, orders: ALL })),
  { type: 'float32', orders: ALL, values: [float(123.456), float(-1.5e-10)] },
  { type: 'float64', orders: ALL, values: [-1.5e10, 123.456789] },
  { type: 'int8', orders: BYTES, values: [-100, 100] },
  { type: 'uint8', orders: BYTES, values: [200, 100] },
  { type: 'string', orders: BYTES, values: ['Größe 3', 'press 07'], length: 5 },
  { type: 'bytes', orders: BYTES, values: ['AAH/gA==', '/wEAfw=='], length: 2 },
];

const LIBMODBUS_SAMPLES: readonly Sample[] = [
  ...INTEGERS.map((sample) => ({ ...sample, orders: PLAIN })),
  { type: 'float32', orders: ALL, values: [float(123.456), float(-1.5e-10)] },
];

const SAMPLES = { pymodbus: PYMODBUS_SAMPLES, libmodbus: LIBMODBUS_SAMPLES };

for (const { program, framing, title, describeHere } of modbusPeers()) {
  describeHere(title, () => {
    let plant: ForeignModbusPlant;
    let rig: Rig | undefined;

    beforeEach(async () => {
      plant = await ForeignModbusPlant.start(program, framing);
    });
    afterEach(async () => {
      await rig?.session.close();
      rig = undefined;
      await plant.dispose();
    });

    const open = async (points: Readonly<Record<string, PointSketch>>, unit = UNIT): Promise<Rig> => {
      rig = await openRig(plant.planOf(points, unit));
      return rig;
    };
    const ask = async (command: string): Promise<void> => assert.equal(await plant.ask(command), 'ok', command);

    for (const { type, orders, values, length } of SAMPLES[program.name]) {
      for (const order of orders) {
        it(`agrees about ${type} ${order}`, async function () {
          const [given, written] = values;
          const keys = { type, ...ORDERS[order], ...(length === undefined ? {} : { length }) };
          const { value, write } = await open({
            holding: { address: { holding: 20 }, ...keys, access: 'read-write' },
            input: { address: { input: 31 }, ...keys },
          });
          const place = `${type} ${order}`;
          if ((await plant.ask(`put holding ${place} 20 ${foreignText(given, type)}`)) === 'unsupported') return this.skip();
          await ask(`put input ${place} 31 ${foreignText(written, type)}`);
          assert.deepEqual([await value('holding'), await value('input')], [given, written]);
          assert.deepEqual(await write('holding', written), { written: true });
          const answer = await plant.ask(`get holding ${place} 20 ${length ?? 1}`);
          assert.deepEqual(foreignValue(answer, type), written);
        });
      }
    }

    it('agrees about bits, one by one and written as many', async () => {
      const { value, write } = await open({
        coil: { address: { coil: 10 }, access: 'read-write' },
        many: { address: { coil: 11 }, access: 'read-write', writeWith: 'multiple' },
        discrete: { address: { discrete: 13 } },
        bit: { address: { holding: 40, bit: 9 }, access: 'read-write' },
      });
      await ask('put coil boolean - 10 true');
      await ask('put discrete boolean - 13 true');
      await ask('put holding uint16 ABCD 40 512');
      const names = ['coil', 'many', 'discrete', 'bit'];
      assert.deepEqual(await Promise.all(names.map(value)), [true, false, true, true]);
      for (const [name, to] of [
        ['coil', false],
        ['many', true],
        ['bit', false],
      ] as const) {
        assert.deepEqual(await write(name, to), { written: true });
      }
      assert.deepEqual(await Promise.all(names.map(value)), [false, true, true, false]);
      assert.deepEqual([await plant.ask('get coil boolean - 10'), await plant.ask('get coil boolean - 11')], ['false', 'true']);
      assert.equal(await plant.ask('get holding uint16 ABCD 40'), '0');
    });

    it('agrees about one register written as many', async () => {
      const { write } = await open({
        register: { address: { holding: 50 }, type: 'uint16', access: 'read-write', writeWith: 'multiple' },
      });
      assert.deepEqual(await write('register', 4_711), { written: true });
      assert.equal(await plant.ask('get holding uint16 ABCD 50'), '4711');
    });

    it('gives the longest blocks of the standard: 125 registers, 2 000 bits', async () => {
      const names = Array.from({ length: 125 }, (_, index) => `p${index}`);
      const registers = names.map((name, index) => [name, { address: { input: 600 + index }, type: 'uint16' }] as const);
      const { read, counter } = await open({
        ...Object.fromEntries(registers),
        firstBit: { address: { discrete: 0 } },
        lastBit: { address: { discrete: 1_999 } },
      });
      for (const index of names.keys()) await ask(`put input uint16 ABCD ${600 + index} ${1_000 + index}`);
      await ask('put discrete boolean - 1999 true');
      const readings = await read(...names, 'firstBit', 'lastBit');
      const expected = [...names.map((_, index) => 1_000 + index), false, true];
      assert.deepEqual(
        readings.map(({ value }) => value),
        expected,
      );
      assert.ok(counter('requests') >= 2);
    });

    for (const [code, status, refusal] of [
      [1, 'BadNotSupported', 'DEVICE_EXCEPTION'],
      [3, 'BadInvalidArgument', 'DEVICE_EXCEPTION'],
      [4, 'BadDeviceFailure', 'DEVICE_EXCEPTION'],
      [10, 'BadNoCommunication', 'DEVICE_UNREACHABLE'],
      [11, 'BadTimeout', 'DEVICE_UNREACHABLE'],
    ] as const) {
      it(`refuses with exception ${code}: ${status}, for reading and for writing, and goes on`, async () => {
        const { value, write } = await open({ power: { address: { holding: 1 }, type: 'uint16', access: 'read-write' } });
        await ask(`refuse ${code} 20`);
        assert.equal(await value('power'), status);
        const refused = await write('power', 5);
        assert.equal(refused.written === false && refused.error.code, refusal);
        await ask('refuse 0 0');
        assert.deepEqual(await write('power', 6), { written: true });
        assert.equal(await value('power'), 6);
      });
    }

    it('says twice that it is busy: what was asked is done all the same', async () => {
      const { value, write } = await open({ power: { address: { holding: 1 }, type: 'uint16', access: 'read-write' } });
      await ask('refuse 6 2');
      assert.deepEqual(await write('power', 5), { written: true });
      await ask('refuse 6 2');
      assert.equal(await value('power'), 5);
    });

    it('is killed and started again, and read again', async () => {
      const points = { power: { address: { holding: 1 }, type: 'uint16' } } as const;
      const first = await open(points);
      await ask('put holding uint16 ABCD 1 42');
      assert.equal(await first.value('power'), 42);
      await plant.killServer();
      if (framing !== 'modbus-tcp') assert.equal(await first.value('power'), 'BadTimeout');
      else {
        // Nothing was asked when it went: that it is gone shows with the next request.
        await assert.rejects(first.value('power'), { code: 'LINK_REFUSED' });
        assert.equal((await first.session.lost).code, 'LINK_REFUSED');
      }
      await plant.startServer();
      await ask('put holding uint16 ABCD 1 43');
      // A line stays open when a unit of it is gone, a connection does not.
      const again = framing !== 'modbus-tcp' ? first : await reopen(first, points);
      assert.equal(await again.value('power'), 43);
    });

    const reopen = async (old: Rig, points: Readonly<Record<string, PointSketch>>): Promise<Rig> => {
      await old.session.close();
      return open(points);
    };

    it('is read and written from the command line', async () => {
      const mapping = join(plant.directory, 'mapping.yaml');
      await writeFile(mapping, mappingYaml({ protocol: framing, ...plant.connection, unit: UNIT }));
      await ask('put holding float32 ABCD 2 123.5');
      await ask('put input int16 ABCD 4 -203');
      const read = await runCli(['read', mapping, '--json']);
      assert.equal(read.code, 0, read.stderr);
      const readings = JSON.parse(read.stdout) as { point: string; value: unknown }[];
      assert.deepEqual(
        readings.map(({ value }) => value),
        [123.5, -20.3],
      );
      const written = await runCli(['write', mapping, 'current', '-0.25']);
      assert.equal(written.code, 0, written.stderr);
      assert.equal(Number(await plant.ask('get holding float32 ABCD 2')), -0.25);
    });
  });
}

/** A value as the foreign program takes it. */
function foreignText(value: Value, type: DataType): string {
  if (type === 'string') return JSON.stringify(value);
  return type === 'bytes' ? Buffer.from(String(value), 'base64').toString('hex') : String(value);
}

function foreignValue(text: string, type: DataType): Value {
  if (type === 'string') return String(JSON.parse(text));
  if (type === 'bytes') return Buffer.from(text, 'hex').toString('base64');
  if (type.endsWith('64') && type !== 'float64') return BigInt(text);
  return type === 'float32' ? float(Number(text)) : Number(text);
}

function mappingYaml(connection: Readonly<Record<string, unknown>>): string {
  return [
    'twin: meter',
    'model: dtmi:com:example:Meter;1',
    'hub: cloud',
    `connection: ${JSON.stringify(connection)}`,
    'points:',
    '  current: { address: { holding: 2 }, type: float32, write: { min: -10, max: 10 } }',
    '  temperature: { address: { input: 4 }, type: int16, scale: 0.1 }',
    '',
  ].join('\n');
}
