import assert from 'node:assert/strict';
import type { Fault, FaultScope } from '../../../src/simulator/modbus-faults.ts';
import { type Keys, type Plant, PROTOCOLS, startPlant } from './plant.ts';
import { openRig, type Rig } from './rig.ts';

const POINTS = {
  first: { address: { holding: 0 }, type: 'uint16' },
  hundred: { address: { holding: 100 }, type: 'uint16', access: 'read-write' },
  wide: { address: { holding: 200 }, type: 'uint32' },
  coil: { address: { coil: 5 }, access: 'read-write' },
  bit: { address: { holding: 300, bit: 3 }, access: 'read-write' },
  otherBit: { address: { holding: 300, bit: 9 }, access: 'read-write' },
} as const;

/** Long enough for a busy machine; tests of silence take the short one. */
const TIMEOUT = { timeout: '500 ms' };
const SHORT_MS = 80;
const SHORT = { timeout: `${SHORT_MS} ms` };

for (const protocol of PROTOCOLS) {
  describe(`${protocol}: strict transactions`, () => {
    let plant: Plant;
    let rig: Rig;

    beforeEach(async () => {
      plant = await startPlant(protocol, [1, 2, 3]);
    });
    afterEach(async () => {
      await rig?.session.close();
      await plant.dispose();
    });

    const start = async (fault?: Fault, scope?: FaultScope, keys: Keys = {}): Promise<void> => {
      if (fault !== undefined) plant.faults.add(fault, scope);
      const connection = { ...TIMEOUT, retries: 0, ...keys };
      rig = await openRig(plant.planOf({ press: { settings: { unit: 1 }, points: POINTS } }, connection));
    };

    it('settles a read of a unit that never answers, as bad after the time-out', async () => {
      await start({ kind: 'silent' }, {}, SHORT);
      assert.equal(await rig.value('first'), 'BadTimeout');
      assert.equal(rig.counter('timeouts'), 1);
      assert.equal(rig.connector.status().devices.press?.state, 'down');
    });

    it('settles what is under way when it is closed', async () => {
      await start({ kind: 'silent' }, {}, { timeout: '1 min' });
      const reading = assert.rejects(rig.value('first'), { code: 'LINK_CLOSED' });
      await rig.session.close();
      await reading;
    });

    it('gives every reader its own value when several ask at once', async () => {
      await start();
      assert.deepEqual(await Promise.all([rig.value('first'), rig.value('hundred'), rig.value('wide')]), [
        0,
        100,
        200 * 65_536 + 201,
      ]);
    });

    it('gives every unit its own value when several are asked at once', async () => {
      for (const [unit, device] of plant.units) device.memory.holding.fill(unit * 11, 0, 1);
      const points = (unit: number) => ({ [`of${unit}`]: POINTS.first });
      rig = await openRig(
        plant.planOf(Object.fromEntries([1, 2, 3].map((unit) => [`m${unit}`, { settings: { unit }, points: points(unit) }]))),
      );
      assert.deepEqual(await Promise.all([rig.value('of1'), rig.value('of2'), rig.value('of3')]), [11, 22, 33]);
    });

    it('asks again once when an answer is missing, and then has the value', async () => {
      await start({ kind: 'lost' }, { times: 1 }, { ...SHORT, retries: 1 });
      assert.equal(await rig.value('hundred'), 100);
      assert.equal(rig.counter('retries'), 1);
    });

    for (const kind of ['short', 'long', 'wrong-function'] as const) {
      it(`refuses an answer that is ${kind}`, async () => {
        await start({ kind }, { times: 1 }, SHORT);
        assert.match(String(await rig.value('wide')), /^Bad(CommunicationError|Timeout)$/);
        assert.equal(await rig.value('wide'), 200 * 65_536 + 201);
      });
    }

    it('refuses an answer of another unit', async () => {
      await start({ kind: 'wrong-unit' }, { times: 1 }, { timeout: '250 ms' });
      assert.match(String(await rig.value('first')), /^Bad(CommunicationError|Timeout)$/);
      assert.equal(await rig.value('hundred'), 100);
      assert.ok(rig.counter('bad_frames') + rig.counter('foreign_frames') > 0);
    });

    for (const name of ['hundred', 'coil'] as const) {
      it(`does not take a confirmation with another value for a success (${name})`, async () => {
        await start({ kind: 'altered' }, { functions: [5, 6] });
        const result = await rig.write(name, 1);
        assert.equal(result.written === false && result.error.code, 'DEVICE_BAD_FRAME');
      });
    }

    it('never repeats a write, and says that its outcome is unknown', async () => {
      await start({ kind: 'lost' }, { functions: [6] }, { ...SHORT, retries: 3 });
      const result = await rig.write('hundred', 7);
      assert.equal(result.written === false && result.error.code, 'DEVICE_TIMEOUT');
      assert.match(result.written === false ? result.error.message : '', /unknown/);
      assert.equal(plant.units.get(1)?.writeCount, 1);
    });

    it('writes coils and registers with the functions that were chosen', async () => {
      const points = {
        single: { address: { coil: 1 }, access: 'write' },
        multiple: { address: { coil: 2 }, access: 'write', writeWith: 'multiple' },
        one: { address: { holding: 1 }, type: 'int16', access: 'write' },
        one16: { address: { holding: 2 }, type: 'int16', access: 'write', writeWith: 'multiple' },
        two: { address: { holding: 3 }, type: 'float32', access: 'write' },
      } as const;
      rig = await openRig(plant.planOf({ press: { settings: { unit: 1 }, points } }));
      for (const [name, value] of [
        ['single', false],
        ['multiple', true],
        ['one', -2],
        ['one16', 5],
        ['two', 1.5],
      ] as const) {
        assert.deepEqual(await rig.write(name, value), { written: true });
      }
      const memory = plant.units.get(1)?.memory;
      assert.deepEqual(
        [memory?.coil[1], memory?.coil[2], ...(memory?.holding.subarray(1, 5) ?? [])],
        [0, 1, 0xfffe, 5, 0x3fc0, 0],
      );
      const functions = plant.units
        .get(1)
        ?.requests.map((pdu) => pdu[0])
        .filter((code = 0) => code > 4);
      assert.deepEqual(functions, [5, 15, 6, 16, 16]);
    });

    it('changes one bit of a register and no other, even when two are written at once', async () => {
      plant.units.get(1)?.memory.holding.fill(0xf0f8, 300, 301);
      await start();
      await Promise.all([rig.write('bit', false), rig.write('otherBit', true)]);
      assert.equal(plant.units.get(1)?.memory.holding[300], 0xf2f0);
    });

    it('refuses a value that does not fit, and writes nothing', async () => {
      await start();
      const result = await rig.write('hundred', 65_536);
      assert.equal(result.written === false && result.error.code, 'VALUE_OUT_OF_RANGE');
      assert.equal(plant.units.get(1)?.writeCount, 0);
    });

    it('has the right value however the answer is cut into pieces', async () => {
      await start({ kind: 'bytewise', gapMs: 5 }, {}, { timeout: '2 s' });
      assert.equal(await rig.value('wide'), 200 * 65_536 + 201);
    });

    it('takes the first of two equal answers and is not put out of step by the second', async () => {
      await start({ kind: 'duplicate' }, { times: 1 });
      assert.deepEqual([await rig.value('first'), await rig.value('hundred')], [0, 100]);
    });

    it('throws a late answer away and counts it', async () => {
      await start({ kind: 'late', ms: SHORT_MS + 10 }, { times: 1 }, { ...SHORT, lateWindow: '80 ms' });
      assert.equal(await rig.value('first'), 'BadTimeout');
      do {
        const value = await rig.value('hundred');
        assert.ok(value === 100 || value === 'BadTimeout', String(value));
      } while (rig.counter('late_replies') === 0);
    });

    it('never gives the value of one register for another while answers are late all the time', async () => {
      await start({ kind: 'late', ms: 1.6 * SHORT_MS }, {}, { ...SHORT, lateWindow: '10 ms', maxTimeouts: 100 });
      for (const [name, value] of [
        ['first', 0],
        ['hundred', 100],
        ['first', 0],
        ['hundred', 100],
      ] as const) {
        assert.ok([value, 'BadTimeout', 'BadCommunicationError'].includes((await rig.value(name)) as never));
      }
      plant.faults.clear();
    });

    const EXCEPTIONS: readonly (readonly [number, string])[] = [
      [1, 'BadNotSupported'],
      [2, 'BadOutOfRange'],
      [3, 'BadInvalidArgument'],
      [4, 'BadDeviceFailure'],
      [8, 'BadDeviceFailure'],
      [10, 'BadNoCommunication'],
      [11, 'BadTimeout'],
      [99, 'BadDeviceFailure'],
    ];
    for (const [code, status] of EXCEPTIONS) {
      it(`tells exception ${code} as ${status}, and the connection stays`, async () => {
        await start({ kind: 'exception', code }, { times: 1 });
        assert.equal(await rig.value('first'), status);
        assert.equal(await rig.value('first'), 0);
        assert.equal(rig.counter('exceptions'), 1);
      });
    }

    for (const [code, status] of [
      [5, 'BadWaitingForResponse'],
      [6, 'BadResourceUnavailable'],
    ] as const) {
      it(`asks a device that says ${code === 5 ? 'wait' : 'busy'} again after a moment, and gives up as ${status}`, async () => {
        await start({ kind: 'exception', code }, { times: 1 });
        assert.equal(await rig.value('first'), 0);
        plant.faults.clear();
        plant.faults.add({ kind: 'exception', code });
        assert.equal(await rig.value('first'), status);
      });
    }

    it('writes to a busy device when it is ready', async () => {
      await start({ kind: 'exception', code: 6 }, { times: 1, functions: [6] });
      assert.deepEqual(await rig.write('hundred', 9), { written: true });
      assert.equal(plant.units.get(1)?.writeCount, 1);
    });

    it('says what the device refused to write', async () => {
      await start({ kind: 'exception', code: 2 }, { functions: [6] });
      const result = await rig.write('hundred', 9);
      assert.equal(result.written === false && result.error.code, 'DEVICE_EXCEPTION');
    });

    if (protocol === 'modbus-tcp') return;

    it('asks again after a damaged answer, and counts it', async () => {
      await start({ kind: 'bad-crc' }, { times: 1 }, { retries: 1, timeout: '2 s' });
      assert.equal(await rig.value('hundred'), 100);
      assert.deepEqual([rig.counter('crc_errors'), rig.counter('timeouts')], [1, 0]);
    });

    it('tells a point as bad when every answer is damaged', async () => {
      await start({ kind: 'bad-crc' });
      assert.equal(await rig.value('hundred'), 'BadCommunicationError');
    });

    for (const where of ['before', 'after'] as const) {
      it(`finds the answer with noise ${where} it, counts the noise, and stays in step`, async () => {
        await start({ kind: 'noise', where }, { times: 1 });
        assert.deepEqual([await rig.value('hundred'), await rig.value('first')], [100, 0]);
        assert.equal(rig.counter('discarded_bytes'), 5);
      });
    }

    it('refuses an answer with noise inside it, and is in step with the next', async () => {
      await start({ kind: 'noise', where: 'inside' }, { times: 1 });
      assert.equal(await rig.value('hundred'), 'BadCommunicationError');
      assert.equal(await rig.value('first'), 0);
    });

    it('is in step again after a flood of rubbish', async () => {
      await start({ kind: 'flood', bytes: 6_000 }, { times: 1 }, { retries: 2 });
      assert.equal(await rig.value('hundred'), 100);
      assert.equal(await rig.value('first'), 0);
    });
  });
}
