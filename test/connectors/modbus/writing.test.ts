import assert from 'node:assert/strict';
import type { Value } from '../../../src/model/value.ts';
import type { SimulatedModbusDevice } from '../../../src/simulator/modbus-device.ts';
import { type Plant, PROTOCOLS, startPlant } from './plant.ts';
import { openRig, type Rig } from './rig.ts';

const POINTS = {
  bit: { address: { holding: 300, bit: 3 }, access: 'read-write' },
  mode: { address: { holding: 300, bits: [4, 7] }, access: 'read-write' },
  half: { address: { holding: 301 }, type: 'uint8', access: 'read-write' },
  status: { address: { holding: 302 }, type: 'uint32', fields: { on: 31, ready: 0, code: [8, 11] }, access: 'read-write' },
  old: { address: { holding: 304, bit: 0 }, access: 'read-write', writeWith: 'single' },
  oldWide: { address: { holding: 302 }, type: 'uint32', fields: { on: 31 }, access: 'write', writeWith: 'multiple' },
  curve: { address: { holding: 310 }, type: 'int16', count: 3, access: 'read-write' },
  outputs: { address: { coil: 20 }, count: 3, access: 'read-write' },
  clock: { address: { holding: 320 }, type: 'dateTime', format: 'YYYY MMDD hhmm', access: 'read-write' },
  both: { address: { holding: 330 }, type: 'float32', access: 'read-write', writeWith: 'read-write' },
  limit: { address: { holding: 340 }, type: 'int32', exponent: { holding: 345 }, access: 'read-write' },
  ratio: { address: { holding: 347 }, type: 'int16', exponent: { holding: 346 }, access: 'write', writeWith: 'read-write' },
} as const;

for (const protocol of PROTOCOLS) {
  describe(`${protocol}: writing`, () => {
    let plant: Plant;
    let rig: Rig;
    let device: SimulatedModbusDevice;

    beforeEach(async () => {
      plant = await startPlant(protocol);
      const found = plant.units.get(1);
      assert.ok(found !== undefined);
      device = found;
      device.memory.holding.fill(0xa5a5, 300, 340);
      const connection = { timeout: '2 s', retries: 0 };
      rig = await openRig(plant.planOf({ press: { settings: { unit: 1 }, points: POINTS } }, connection));
      // On a line where nothing was read yet, a write is preceded by a read that finds out whether the adapter echoes.
      await rig.read('bit');
    });
    afterEach(async () => {
      await rig?.session.close();
      await plant.dispose();
    });

    /** The functions of the requests since the last call. */
    const functions = () => device.requests.splice(0).map(([code]) => code);
    const write = async (name: string, value: Value): Promise<void> =>
      assert.deepEqual(await rig.write(name, value), { written: true });
    const register = (address: number) => device.memory.holding[address]?.toString(16);

    it('lets the device change the bits itself, so that no other change gets lost', async () => {
      functions();
      await write('bit', true);
      await write('mode', 3);
      await write('half', 1);
      assert.equal(register(300), 'a53d');
      assert.equal(register(301), 'a501');
      assert.deepEqual(functions(), [22, 22, 22]);
      assert.deepEqual([await rig.value('bit'), await rig.value('mode'), await rig.value('half')], [true, 3, 1]);
    });

    it('takes the confirmation of a mask write for no echo on a line where nothing was read before', async () => {
      await rig.session.close();
      rig = await openRig(plant.planOf({ press: { settings: { unit: 1 }, points: POINTS } }, { timeout: '2 s' }));
      await write('bit', true);
      await write('bit', false);
      assert.equal(register(300), 'a5a5');
    });

    it('changes the fields that are named, and touches no register of which none is', async () => {
      functions();
      await write('status', { ready: false });
      assert.deepEqual(functions(), [22]);
      await write('status', { on: false, code: 2 });
      assert.deepEqual(functions(), [22, 22]);
      assert.deepEqual([register(302), register(303)], ['25a5', 'a2a4']);
      assert.deepEqual(await rig.value('status'), { on: false, ready: false, code: 2 });
    });

    it('changes bits in what was read where the mapping says so', async () => {
      functions();
      await write('old', false);
      assert.deepEqual([register(304), functions()], ['a5a4', [3, 6]]);
      await write('oldWide', { on: false });
      assert.deepEqual([register(302), functions()], ['25a5', [3, 16]]);
    });

    it('says how to write bits of a device that does not know the mask write', async () => {
      plant.faults.add({ kind: 'exception', code: 1 }, { functions: [22, 23] });
      const [bit, both] = [await rig.write('bit', true), await rig.write('both', 1.5)];
      assert.equal(bit.written === false && bit.error.code, 'DEVICE_EXCEPTION');
      assert.match(bit.written === false ? bit.error.message : '', /function 22.*`writeWith: single`/);
      assert.match(both.written === false ? both.error.message : '', /function 23.*leave out `writeWith`/);
      assert.equal(register(300), 'a5a5');
    });

    it('writes the number that is the value with the exponent which the device shows at that moment', async () => {
      device.memory.holding.fill(0, 340, 350);
      for (const [exponent, value, number] of [
        [-2, 12.34, 1_234],
        [3, -5_000, -5],
        [0, 7, 7],
        [-3, 1e-3, 1],
        [-9, 1e-7, 100],
      ] as const) {
        device.memory.holding[345] = exponent & 0xffff;
        functions();
        await write('limit', value);
        assert.deepEqual(functions(), [3, 16]);
        const [high = 0, low = 0] = device.memory.holding.subarray(340, 342);
        assert.deepEqual([(high << 16) | low, await rig.value('limit')], [number, value]);
      }
      assert.equal(device.memory.holding[342], 0);
      device.memory.holding[346] = 0xffff;
      functions();
      await write('ratio', 2.5);
      assert.deepEqual([register(346), register(347), functions()], ['ffff', '19', [3, 23]]);
    });

    it('writes nothing where the exponent is none, or the number would not be whole', async () => {
      for (const [exponent, code] of [
        [0x8000, 'COMMAND_FAILED'],
        [1, 'VALUE_TYPE'],
      ] as const) {
        device.memory.holding[345] = exponent;
        const result = await rig.write('limit', 25);
        assert.equal(result.written === false && result.error.code, code);
      }
      assert.equal(device.requests.filter(([code]) => code === 16).length, 0);
    });

    it('writes arrays of registers and of coils in one request', async () => {
      functions();
      await write('curve', [1, -2, 3]);
      await write('outputs', [true, true, false]);
      assert.deepEqual(functions(), [16, 15]);
      assert.deepEqual([...device.memory.holding.subarray(310, 313)], [1, 0xfffe, 3]);
      assert.deepEqual([...device.memory.coil.subarray(20, 23)], [1, 1, 0]);
      assert.deepEqual(
        [await rig.value('curve'), await rig.value('outputs')],
        [
          [1, -2, 3],
          [true, true, false],
        ],
      );
      const short = await rig.write('outputs', [true]);
      assert.equal(short.written === false && short.error.code, 'VALUE_TYPE');
    });

    it('sets the clock of a device', async () => {
      await write('clock', '2026-11-29T13:02:59Z');
      assert.deepEqual([...device.memory.holding.subarray(320, 323)], [2026, 0x0b1d, 0x0d02]);
      assert.equal(await rig.value('clock'), '2026-11-29T13:02:00.000Z');
    });

    it('writes and reads back in one transaction, and says so when the device shows something else', async () => {
      functions();
      await write('both', 1.5);
      assert.deepEqual(functions(), [23]);
      plant.faults.add({ kind: 'altered' }, { functions: [23] });
      const result = await rig.write('both', 2.5);
      assert.equal(result.written === false && result.error.code, 'COMMAND_FAILED');
      assert.match(result.written === false ? result.error.message : '', /wrote 4020 0000, the device shows 4020 0001/);
    });
  });
}
