import assert from 'node:assert/strict';
import type { SimulatedModbusDevice } from '../../src/simulator/modbus-device.ts';
import type { FaultSwitch } from '../../src/simulator/modbus-faults.ts';
import { type ModbusTcpServer, startModbusTcpServer } from '../../src/simulator/modbus-tcp-server.ts';
import { type SerialPlant, startSerialPlant } from '../connectors/modbus/plant.ts';
import { ForeignModbusServer, pymodbus, pymodbusClient } from './peers/foreign-modbus-server.ts';

const MISSING = [
  { table: 'holding', from: 500, to: 599 },
  { table: 'input', from: 500, to: 599 },
  { table: 'coil', from: 500, to: 599 },
  { table: 'discrete', from: 500, to: 599 },
] as const;

type Keys = Readonly<Record<string, unknown>>;

/** Every function with what it says of registers that are not there, and what is too much. */
const REFUSED: readonly (readonly [call: string, keys: Keys, code: number, what: string])[] = [
  ['holding', { address: 499, count: 2 }, 2, 'holding registers'],
  ['input', { address: 500, count: 1 }, 2, 'input registers'],
  ['coils', { address: 550, count: 1 }, 2, 'coils'],
  ['discrete', { address: 598, count: 3 }, 2, 'discrete inputs'],
  ['holding', { address: 65_535, count: 2 }, 2, 'registers behind the last'],
  ['coil=', { address: 500, value: true }, 2, 'a coil to write'],
  ['register=', { address: 500, value: 1 }, 2, 'a register to write'],
  ['coils=', { address: 499, values: [true, false] }, 2, 'coils to write'],
  ['registers=', { address: 499, values: [1, 2] }, 2, 'registers to write'],
  ['mask', { address: 500, and_mask: 1, or_mask: 1, unit: 7 }, 2, 'a register to mask'],
  [
    'both',
    { read_address: 500, read_count: 1, write_address: 0, write_registers: [1], unit: 7 },
    2,
    'registers to read and write',
  ],
  ['identify', { read_code: 4, object_id: 99 }, 2, 'an object of the identification'],
];

const title = (framing: string) =>
  `the simulator on ${framing}, asked by a pymodbus client${pymodbus.whyNot === undefined ? '' : ` (${pymodbus.whyNot})`}`;

for (const framing of ['modbus-tcp', 'modbus-rtu'] as const) {
  (pymodbus.whyNot === undefined ? describe : describe.skip)(title(framing), () => {
    let plant: SerialPlant;
    let server: ModbusTcpServer | undefined;
    let client: ForeignModbusServer;
    let device: SimulatedModbusDevice;
    let faults: FaultSwitch;

    before(async () => {
      plant = startSerialPlant([7, 8], { missing: MISSING });
      const { units } = plant;
      server = framing === 'modbus-tcp' ? await startModbusTcpServer({ port: 0, units }) : undefined;
      faults = server?.faults ?? plant.faults;
      const place = server === undefined ? ['rtu', plant.wire.path] : ['tcp', String(server.port)];
      client = await ForeignModbusServer.start([...pymodbusClient(), ...place]);
      const unit = units.get(7);
      assert.ok(unit);
      device = unit;
    });
    after(async () => {
      await client?.kill();
      await server?.close();
      await plant.dispose();
    });

    const ask = async (call: string, keys: Keys): Promise<Readonly<Record<string, unknown>>> =>
      JSON.parse(await client.ask(JSON.stringify([call, 'unit' in keys ? keys : { slave: 7, ...keys }])));
    const lastFunction = () => device.requests.at(-1)?.[0];

    it('gives all four tables', async () => {
      device.memory.input.set([1, 2, 3], 100);
      device.memory.discrete.set([1, 1, 0], 100);
      assert.deepEqual(await ask('holding', { address: 100, count: 3 }), { registers: [100, 101, 102] });
      assert.deepEqual(await ask('input', { address: 100, count: 3 }), { registers: [1, 2, 3] });
      assert.deepEqual(await ask('coils', { address: 100, count: 8 }), {
        bits: [false, true, false, true, false, true, false, true],
      });
      const { bits } = await ask('discrete', { address: 100, count: 3 });
      assert.deepEqual((bits as boolean[]).slice(0, 3), [true, true, false]);
    });

    it('gives the longest answers of the standard', async () => {
      const { registers } = await ask('holding', { address: 65_411, count: 125 });
      assert.deepEqual(
        registers,
        Array.from({ length: 125 }, (_, index) => 65_411 + index),
      );
      const { bits } = await ask('coils', { address: 10_000, count: 2_000 });
      assert.deepEqual(
        bits,
        Array.from({ length: 2_000 }, (_, index) => index % 2 === 1),
      );
    });

    it('takes one and many, coils and registers, each with its function', async () => {
      assert.deepEqual(await ask('register=', { address: 10, value: 4_711 }), { done: true });
      assert.equal(lastFunction(), 6);
      assert.deepEqual(await ask('registers=', { address: 11, values: [1, 65_535] }), { done: true });
      assert.equal(lastFunction(), 16);
      assert.ok(!('error' in (await ask('coil=', { address: 20, value: true }))));
      assert.equal(lastFunction(), 5);
      assert.ok(!('error' in (await ask('coils=', { address: 21, values: [false, true, true] }))));
      assert.equal(lastFunction(), 15);
      assert.deepEqual([...device.memory.holding.subarray(9, 14)], [9, 4_711, 1, 65_535, 13]);
      assert.deepEqual([...device.memory.coil.subarray(20, 24)], [1, 0, 1, 1]);
    });

    it('takes the longest writes of the standard', async () => {
      const values = Array.from({ length: 123 }, (_, index) => 60_000 - index);
      assert.ok(!('error' in (await ask('registers=', { address: 1_000, values }))));
      assert.deepEqual([...device.memory.holding.subarray(1_000, 1_123)], values);
      const bits = Array.from({ length: 1_968 }, (_, index) => index % 3 === 0);
      assert.ok(!('error' in (await ask('coils=', { address: 2_000, values: bits }))));
      assert.deepEqual(
        [...device.memory.coil.subarray(2_000, 3_968)],
        bits.map((bit) => (bit ? 1 : 0)),
      );
    });

    it('masks a register (22)', async () => {
      device.memory.holding[30] = 0x12;
      assert.ok(!('error' in (await ask('mask', { address: 30, and_mask: 0xf2, or_mask: 0x25, unit: 7 }))));
      assert.deepEqual([lastFunction(), device.memory.holding[30]], [22, 0x17]);
    });

    it('writes, then reads, in one request (23)', async () => {
      const keys = { read_address: 40, read_count: 3, write_address: 41, write_registers: [7, 8], unit: 7 };
      assert.deepEqual(await ask('both', keys), { registers: [40, 7, 8] });
      assert.equal(lastFunction(), 23);
    });

    it('identifies itself (43/14)', async () => {
      assert.deepEqual(await ask('identify', { read_code: 1, object_id: 0 }), {
        objects: { 0: 'Fieldmarshal', 1: 'SIM', 2: '1.0' },
      });
      const { objects } = await ask('identify', { read_code: 2, object_id: 0 });
      assert.deepEqual((objects as Keys)['4'], 'Simulated unit');
      assert.deepEqual(await ask('identify', { read_code: 4, object_id: 1 }), { objects: { 1: 'SIM' } });
    });

    for (const [call, keys, code, what] of REFUSED) {
      it(`answers exception ${code} where there is no such thing: ${what}`, async () => {
        assert.deepEqual(await ask(call, keys), { exception: code });
      });
    }

    it('writes nothing of what it refuses', () => {
      assert.deepEqual([device.memory.holding[499], device.memory.coil[499]], [499, 1]);
    });

    for (const code of [1, 3, 4, 5, 6, 8, 10, 11]) {
      it(`says exception ${code} where it is told to`, async () => {
        faults.add({ kind: 'exception', code }, { times: 1 });
        assert.deepEqual(await ask('holding', { address: 0, count: 1 }), { exception: code });
        assert.deepEqual(await ask('holding', { address: 3, count: 1 }), { registers: [3] });
      });
    }
  });
}
