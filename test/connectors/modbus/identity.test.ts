import assert from 'node:assert/strict';
import { firstValueFrom, take, timeout, toArray } from 'rxjs';
import { filter } from 'rxjs/operators';
import type { SimulatedModbusDeviceOptions } from '../../../src/simulator/modbus-device.ts';
import { fastClock } from '../../support/fast-clock.ts';
import { type Plant, PROTOCOLS, type Protocol, startPlant } from './plant.ts';
import { openRig, type Rig } from './rig.ts';

const POINTS = {
  vendor: { address: { identification: 'vendorName' } },
  model: { address: { identification: 'modelName' }, type: 'string' },
  own: { address: { identification: 128 } },
  register: { address: { holding: 7 }, type: 'uint16', intervalMs: 20 },
} as const;
const IDENTITY = new Map([
  [0, 'ACME'],
  [1, 'X-1'],
  [2, '2.4'],
  [5, 'Größe 3'],
  [128, 'hall 2'],
]);
const DEADLINE_MS = 8_000;

describe('identification of Modbus devices', () => {
  let plant: Plant;
  let rig: Rig;

  afterEach(async () => {
    await rig.session.close();
    await plant.dispose();
  });

  const open = async (protocol: Protocol, options: SimulatedModbusDeviceOptions, keys = {}): Promise<void> => {
    plant = await startPlant(protocol, [1], options);
    rig = await openRig(plant.planOf({ press: { settings: { unit: 1 }, points: POINTS } }, { timeout: '2 s', ...keys }));
  };
  const values = () => Promise.all(['vendor', 'model', 'own', 'register'].map(rig.value));

  for (const protocol of PROTOCOLS) {
    it(`is read beside the registers (${protocol})`, async () => {
      await open(protocol, { identity: IDENTITY });
      assert.deepEqual(await values(), ['ACME', 'Größe 3', 'hall 2', 7]);
    });
  }

  it('tells what the device does not have', async () => {
    await open('modbus-tcp', { identity: new Map([[0, 'ACME']]) });
    assert.deepEqual(await values(), ['ACME', 'BadNoData', 'BadNoData', 7]);
  });

  it('is asked for at a lower level where the device has no higher one', async () => {
    await open('modbus-tcp', { identity: IDENTITY });
    plant.faults.add({ kind: 'exception', code: 3 }, { functions: [43], times: 1 });
    const readings = await rig.read('model', 'own');
    assert.deepEqual(
      readings.map(({ value, status }) => status ?? value),
      ['Größe 3', 'BadNoData'],
    );
    plant.faults.add({ kind: 'exception', code: 3 }, { functions: [43], times: 2 });
    assert.deepEqual(await rig.value('vendor'), 'BadInvalidArgument', 'there is nothing below the basic one');
  });

  it('is bad, and the registers are not, where the device does not know the function', async () => {
    await open('modbus-tcp', { functions: [3] });
    assert.deepEqual(await values(), ['BadNotSupported', 'BadNotSupported', 'BadNotSupported', 7]);
    const [vendor] = await rig.read('vendor');
    assert.equal(vendor?.reason, 'exception 1 (illegal function): unit 1, function 43, object 0');
  });

  const batchesOf = (batches: number) => firstValueFrom(rig.session.batches.pipe(take(batches), toArray(), timeout(DEADLINE_MS)));
  const identityRequests = () => plant.units.get(1)?.requests.filter(([code]) => code === 43).length;

  it('is read once for each connection while registers are polled', async () => {
    await open('modbus-tcp', { identity: IDENTITY });
    const batches = await batchesOf(60);
    const identities = batches.filter(({ readings }) => readings.some(({ point }) => point.name === 'vendor'));
    assert.equal(identities.length, 1);
    assert.deepEqual(
      identities[0]?.readings.map(({ point, value }) => [point.name, value]),
      [
        ['vendor', 'ACME'],
        ['model', 'Größe 3'],
        ['own', 'hall 2'],
      ],
    );
    assert.equal(identityRequests(), 1);
  });

  it('is told as bad once, and not asked for again and again, where the device does not know it', async () => {
    await open('modbus-tcp', { functions: [3] });
    const [bad] = await firstValueFrom(
      rig.session.batches.pipe(
        filter(({ readings }) => readings.length === 3),
        take(1),
        toArray(),
        timeout(DEADLINE_MS),
      ),
    );
    assert.deepEqual(
      bad?.readings.map(({ status }) => status),
      ['BadNotSupported', 'BadNotSupported', 'BadNotSupported'],
    );
    assert.equal(identityRequests(), 1);
  });

  it('takes no register along where the device says nothing to a function that it does not know, and is not asked for at once again', async () => {
    await open('modbus-tcp', { identity: IDENTITY }, { timeout: '300 ms', retries: 0 });
    plant.faults.add({ kind: 'silent' }, { functions: [43] });
    const batches = await batchesOf(60);
    const statuses = batches.flatMap(({ readings }) => readings.map(({ point, status }) => `${point.name} ${status ?? 'good'}`));
    assert.deepEqual(new Set(statuses), new Set(['register good', 'vendor BadTimeout', 'model BadTimeout', 'own BadTimeout']));
    assert.equal(statuses.filter((status) => status.startsWith('vendor')).length, 1);
    assert.equal(rig.connector.status().devices.press?.state, 'up');
    assert.equal(rig.counter('timeouts'), 1);
  });

  it('is asked for again where nothing else is read of a unit that was silent', async () => {
    plant = await startPlant('modbus-tcp', [1], { identity: IDENTITY });
    const plan = plant.planOf(
      { press: { settings: { unit: 1 }, points: { vendor: POINTS.vendor } } },
      { timeout: '20 s', retries: 0, maxTimeouts: 100 },
    );
    rig = await openRig(plan, fastClock(60));
    const mend = plant.faults.add({ kind: 'silent' });
    const seen: string[] = [];
    rig.session.batches.subscribe(({ readings }) => seen.push(...readings.map(({ status, value }) => status ?? String(value))));
    while (!seen.includes('BadTimeout')) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(rig.connector.status().devices.press?.state, 'down');
    mend();
    for (let tries = 0; tries < 500 && !seen.includes('ACME'); tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual(new Set(seen), new Set(['BadTimeout', 'ACME']));
  });
});
