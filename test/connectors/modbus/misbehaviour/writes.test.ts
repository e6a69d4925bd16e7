import assert from 'node:assert/strict';
import { isCertainlyNotDone } from '../../../../src/commands/certainty.ts';
import type { Fault } from '../../../../src/simulator/modbus-faults.ts';
import { type Keys, type Plant, PROTOCOLS, startPlant } from '../plant.ts';
import { openRig, type Rig } from '../rig.ts';
import { SHORT, SHORT_MS } from './stage.ts';

const POINTS = {
  one: { address: { holding: 10 }, type: 'uint16', access: 'read-write' },
  two: { address: { holding: 20 }, type: 'uint32', access: 'read-write' },
  coil: { address: { coil: 30 }, access: 'read-write' },
} as const;
const VALUES = { one: 4_711, two: 70_000, coil: true } as const;

/** How a write may go wrong; whether the device has done it, and what may be said about it. */
const FAULTS: readonly (readonly [what: string, fault: Fault, isDone: boolean, code: RegExp, point: keyof typeof POINTS])[] = [
  ['F59: the confirmation gets lost', { kind: 'lost' }, true, /DEVICE_TIMEOUT/, 'one'],
  ['F59: the confirmation is late', { kind: 'late', ms: 2 * SHORT_MS }, true, /DEVICE_TIMEOUT/, 'two'],
  ['F59: the request gets lost', { kind: 'silent' }, false, /DEVICE_TIMEOUT/, 'coil'],
  ['F42: the confirmation is of another unit', { kind: 'wrong-unit' }, true, /DEVICE_(TIMEOUT|BAD_FRAME)/, 'two'],
  ['F42: the confirmation is of another function', { kind: 'wrong-function' }, true, /DEVICE_(TIMEOUT|BAD_FRAME)/, 'two'],
  ['F42: the confirmation says another value', { kind: 'altered' }, true, /DEVICE_BAD_FRAME/, 'coil'],
  ['F45: the device refuses', { kind: 'exception', code: 4 }, false, /DEVICE_EXCEPTION/, 'two'],
  ['F45: the device has taken it and is not done', { kind: 'exception', code: 5 }, false, /DEVICE_TIMEOUT/, 'one'],
  ['F45: a converter has not heard of the unit', { kind: 'exception', code: 11 }, false, /DEVICE_UNREACHABLE/, 'two'],
];

for (const protocol of PROTOCOLS) {
  describe(`${protocol}: writes that go wrong`, () => {
    let plant: Plant;
    let rig: Rig;

    beforeEach(async () => {
      plant = await startPlant(protocol, [1, 2]);
      const keys: Keys = { ...SHORT, lateWindow: '200 ms', retries: 3, maxTimeouts: 100 };
      const well = { settings: { unit: 2 }, points: { neighbour: { address: { holding: 5 }, type: 'uint16' } } } as const;
      rig = await openRig(plant.planOf({ press: { settings: { unit: 1 }, points: POINTS }, well }, keys));
      // Whether the adapter echoes is known from here on, and no read belongs to a write any more.
      assert.equal(await rig.value('one'), 10);
    });
    afterEach(async () => {
      await rig.session.close();
      await plant.dispose();
    });

    for (const [what, fault, isDone, code, name] of FAULTS) {
      it(`${what}: not called written, not repeated`, async () => {
        plant.faults.add(fault, { unit: 1, functions: [5, 6, 16] });
        const result = await rig.write(name, VALUES[name]);
        assert.match(result.written ? 'written' : result.error.code, code);
        assert.equal(plant.units.get(1)?.writeCount, isDone ? 1 : 0);
        const isKnown = !result.written && isCertainlyNotDone(result.error);
        assert.equal(isKnown, code.source === 'DEVICE_EXCEPTION');
        if (!isKnown) assert.match(result.written ? '' : result.error.message, /unknown/);
        plant.faults.clear();
        assert.equal(await rig.value('neighbour'), 5);
      });
    }
  });
}
