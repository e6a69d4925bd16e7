import assert from 'node:assert/strict';
import { Units } from '../../../connectors/modbus/wire/units.ts';
import { GatewayError } from '../../../src/model/error.ts';
import { HandClock } from '../../support/hand-clock.ts';
import { planOf } from './modbus-plan.ts';

const silence = new GatewayError('DEVICE_TIMEOUT', 'unit 1', 'no answer');
const damage = new GatewayError('DEVICE_BAD_FRAME', 'unit 1', 'damaged');

function start() {
  const clock = new HandClock();
  const device = (unit: number) => ({ settings: { unit, probeInterval: '30 s' }, points: {} });
  const units = new Units(planOf('modbus-rtu', { port: '/dev/x' }, { a: device(1), b: device(2) }), clock);
  return { clock, units };
}

describe('Modbus units', () => {
  it('asks a silent unit more and more rarely, at last every probeInterval', async () => {
    const { clock, units } = start();
    const probesMs: number[] = [];
    units.failed(1, silence);
    for (let secondMs = 0; secondMs < 150_000; secondMs += 500) {
      if (units.takeProbe(1)) {
        probesMs.push(secondMs);
        units.failed(1, silence);
      }
      await clock.advance(500);
    }
    assert.deepEqual(probesMs, [1_000, 3_000, 7_000, 15_000, 31_000, 61_000, 91_000, 121_000]);
  });

  it('listens for a silent unit as long as it ever needed, twice as long with each probe, and for an unknown one as configured', () => {
    const { units } = start();
    for (let answer = 0; answer < 20; answer += 1) units.answered(1, 5);
    assert.equal(units.probeTimeoutMs(1), undefined);
    const waitsMs = [1, 2, 3].map(() => {
      units.failed(1, silence);
      return units.probeTimeoutMs(1);
    });
    assert.deepEqual(waitsMs, [50, 100, 200]);
    units.failed(2, silence);
    assert.equal(units.probeTimeoutMs(2), Number.POSITIVE_INFINITY);
  });

  it('asks a silent unit that was heard too late at once, and then listens as long as configured', async () => {
    const { clock, units } = start();
    for (let answer = 0; answer < 20; answer += 1) units.answered(1, 5);
    units.failed(1, silence);
    assert.equal(units.takeProbe(1), false);
    units.late(1, 180);
    assert.equal(units.probeTimeoutMs(1), undefined);
    assert.equal(units.takeProbe(1), true);
    units.failed(1, silence);
    assert.notEqual(units.probeTimeoutMs(1), undefined);
    await clock.advance(1_000);
  });

  it('gives a probe to one asker only', async () => {
    const { clock, units } = start();
    units.failed(1, silence);
    await clock.advance(1_000);
    assert.deepEqual([units.takeProbe(1), units.takeProbe(1)], [true, false]);
  });

  it('takes a unit for up again with its first answer', () => {
    const { units } = start();
    units.failed(1, silence);
    assert.equal(units.isDown(1), true);
    units.answered(1, 5);
    assert.deepEqual(units.stateOf(1), { state: 'up' });
  });

  it('does not take a unit for down because of one damaged answer, but because of three in a row', () => {
    const { units } = start();
    units.failed(1, damage);
    units.failed(1, damage);
    assert.equal(units.isDown(1), false);
    units.failed(1, damage);
    assert.equal(units.isDown(1), true);
  });

  it('takes the connection for dead only when every unit is silent', () => {
    const { units } = start();
    for (let count = 0; count < 5; count += 1) units.missed();
    units.failed(1, silence);
    assert.equal(units.areAllSilent(3), false);
    units.failed(2, silence);
    assert.equal(units.areAllSilent(3), true);
    units.answered(2, 5);
    assert.equal(units.areAllSilent(3), false);
  });
});
