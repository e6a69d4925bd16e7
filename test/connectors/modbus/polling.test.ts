import assert from 'node:assert/strict';
import { record } from '../../contract/connector.ts';
import { type Plant, startPlant } from './plant.ts';
import { never, openRig, type Rig } from './rig.ts';

const uint16 = (holding: number, intervalMs = 20) => ({ address: { holding }, type: 'uint16' as const, intervalMs });

describe('Modbus polling', () => {
  let plant: Plant;
  let rig: Rig | undefined;

  afterEach(async () => {
    await rig?.session.close();
    await plant.dispose();
    rig = undefined;
  });

  it('makes one batch of all points of a device that have one interval', async () => {
    plant = await startPlant('modbus-tcp');
    const points = { near: uint16(0), far: uint16(5_000), coil: { address: { coil: 1 }, intervalMs: 20 }, slow: uint16(1, 30) };
    rig = await openRig(plant.planOf({ press: { points } }));
    const recorded = record(rig.session);
    for (const name of ['slow', 'near']) await recorded.wait(({ point }) => point.name === name);
    const names = recorded.batches.map(({ readings }) =>
      readings
        .map(({ point }) => point.name)
        .toSorted()
        .join(' '),
    );
    assert.deepEqual(new Set(names), new Set(['coil far near', 'slow']));
  });

  it('reads a block with a hole in pieces, tells only the missing points bad, and asks no more than that from then on', async () => {
    plant = await startPlant('modbus-tcp', [1], { missing: [{ table: 'holding', from: 6, to: 7 }] });
    const points = Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`p${index}`, uint16(index)]));
    rig = await openRig(plant.planOf({ press: { points } }));
    const recorded = record(rig.session);
    await recorded.wait(({ point, value }) => point.name === 'p15' && value === 15);
    const exceptions = rig.counter('exceptions');
    const before = recorded.batches.length;
    while (recorded.batches.length < before + 3) await new Promise((resolve) => setTimeout(resolve, 5));
    const last = new Map(recorded.batches.at(-1)?.readings.map(({ point, value, status }) => [point.name, value ?? status]));
    assert.equal(last.size, 16);
    for (const [name, value] of last) assert.equal(value, ['p6', 'p7'].includes(name) ? 'BadOutOfRange' : Number(name.slice(1)));
    assert.deepEqual([rig.counter('exceptions'), rig.counter('block_splits')], [exceptions, 1]);
  });

  const sixtyFour = Object.fromEntries(Array.from({ length: 64 }, (_, index) => [`p${index}`, uint16(index)]));
  const pollOnce = async () => {
    const recorded = record(rig?.session ?? assert.fail());
    await recorded.wait(({ point }) => point.name === 'p63');
    return new Map(recorded.batches[0]?.readings.map(({ point, value, status }) => [point.name, value ?? status]));
  };

  it('finds one bad register among 64 with two requests for each halving, and tells it in the status', async () => {
    plant = await startPlant('modbus-tcp', [1], { missing: [{ table: 'holding', from: 41, to: 41 }] });
    rig = await openRig(plant.planOf({ press: { points: sixtyFour } }));
    const read = await pollOnce();
    for (const [name, value] of read) assert.equal(value, name === 'p41' ? 'BadOutOfRange' : Number(name.slice(1)));
    assert.ok(rig.counter('exceptions') <= 7, `${rig.counter('exceptions')} exceptions`);
    assert.deepEqual(rig.connector.status().details?.refusedByUnit, { 1: ['holding 41'] });
  });

  it('finds a hole that no point wants, and reads around it with one request for each side', async () => {
    plant = await startPlant('modbus-tcp', [1], { missing: [{ table: 'holding', from: 20, to: 22 }] });
    const { p20: _1, p21: _2, p22: _3, ...others } = sixtyFour;
    rig = await openRig(plant.planOf({ press: { points: others } }));
    const read = await pollOnce();
    for (const [name, value] of read) assert.equal(value, Number(name.slice(1)));
    assert.deepEqual(rig.connector.status().details?.refusedByUnit, { 1: ['holding 19 to 23 at once'] });
    const [unit] = plant.units.values();
    const before = unit?.requestCount ?? 0;
    const recorded = record(rig.session);
    while (recorded.batches.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.ok((unit?.requestCount ?? 0) - before <= 2 * (recorded.batches.length + 1));
  });

  it('keeps what it learnt when the connection is opened anew', async () => {
    plant = await startPlant('modbus-tcp', [1], { missing: [{ table: 'holding', from: 41, to: 41 }] });
    rig = await openRig(plant.planOf({ press: { points: sixtyFour } }));
    await pollOnce();
    const exceptions = rig.counter('exceptions');
    await rig.session.close();
    rig = { ...rig, session: await rig.connector.open(never) };
    const read = await pollOnce();
    assert.deepEqual([read.get('p41'), read.get('p42'), rig.counter('exceptions')], ['BadOutOfRange', 42, exceptions]);
  });

  it('asks a device whose every register is missing for a few of them at a time', async () => {
    plant = await startPlant('modbus-tcp', [1], { missing: [{ table: 'holding', from: 0, to: 999 }] });
    const points = Object.fromEntries(Array.from({ length: 120 }, (_, index) => [`p${index}`, uint16(index, 100)]));
    rig = await openRig(plant.planOf({ press: { points } }));
    const recorded = record(rig.session);
    await recorded.wait(({ point }) => point.name === 'p119');
    assert.ok((plant.units.get(1)?.requestCount ?? 0) <= 60);
    assert.ok(recorded.batches[0]?.readings.every(({ status }) => status === 'BadOutOfRange'));
    assert.equal(recorded.batches[0]?.readings.length, 120);
  });

  it('reads a group in one request or not at all', async () => {
    plant = await startPlant('modbus-tcp', [1], { missing: [{ table: 'holding', from: 2, to: 2 }] });
    const grouped = (holding: number) => ({ ...uint16(holding), together: 'instant' });
    rig = await openRig(plant.planOf({ press: { points: { a: grouped(0), b: grouped(2), c: uint16(1) } } }));
    assert.deepEqual(
      (await rig.read('a', 'b', 'c')).map(({ value, status }) => value ?? status),
      ['BadOutOfRange', 'BadOutOfRange', 1],
    );
  });

  it('reads points that a device does not give together', async () => {
    plant = await startPlant('modbus-tcp', [1], { maxRegisters: 4 });
    rig = await openRig(plant.planOf({ press: { points: { a: uint16(0), b: uint16(9) } } }));
    assert.deepEqual([await rig.value('a'), await rig.value('b')], [0, 9]);
    assert.deepEqual(
      (await rig.read('a', 'b')).map(({ value, raw }) => [value, raw]),
      [
        [0, '0000'],
        [9, '0009'],
      ],
    );
  });

  it('keeps up nine tenths of the pace of nine units of a line while the tenth is silent', async function () {
    this.timeout(30_000);
    const numbers = Array.from({ length: 10 }, (_, index) => index + 1);
    const devices = Object.fromEntries(
      numbers.map((unit) => [`m${unit}`, { settings: { unit }, points: { v: uint16(unit, 100) } }] as const),
    );
    // A second line, all of which answer, is polled at the same time: what the machine does meanwhile hits both.
    plant = await startPlant('modbus-rtu', numbers);
    const healthy = await startPlant('modbus-rtu', numbers);
    const keys = { timeout: '400 ms', retries: 0 };
    rig = await openRig(plant.planOf(devices, keys));
    const other = await openRig(healthy.planOf(devices, keys));
    try {
      const [recorded, yardstick] = [record(rig.session), record(other.session)];
      const pollsOfNine = (batches: typeof recorded.batches) =>
        batches.filter(({ device, readings }) => device !== 'm10' && readings[0]?.quality === 'good').length;
      await recorded.wait(({ point, quality }) => point.device === 'm10' && quality === 'good');
      plant.faults.add({ kind: 'silent' }, { unit: 10 });
      await recorded.wait(({ point, status }) => point.device === 'm10' && status === 'BadTimeout');
      const [oursBefore, theirsBefore] = [pollsOfNine(recorded.batches), pollsOfNine(yardstick.batches)];
      const theirs = () => pollsOfNine(yardstick.batches) - theirsBefore;
      while (theirs() < 9 * 40) await new Promise((resolve) => setTimeout(resolve, 20));
      const ours = pollsOfNine(recorded.batches) - oursBefore;
      assert.ok(ours >= 0.9 * theirs(), `${ours} polls beside a silent unit, ${theirs()} where all answer`);
      assert.ok(rig.counter('unit_probes') >= 1, 'the silent unit was not asked again');
      assert.equal(rig.connector.status().devices.m10?.state, 'down');
    } finally {
      await other.session.close();
      await healthy.dispose();
    }
  });

  for (const protocol of ['modbus-rtu', 'modbus-tcp'] as const) {
    it(`${protocol}: probes a silent unit for no longer than it ever needed, but gives a command all the time that is configured`, async () => {
      plant = await startPlant(protocol, [1]);
      const points = { v: { ...uint16(3), access: 'read-write' } } as const;
      const keys = protocol === 'modbus-rtu' ? { lateWindow: '50 ms' } : { maxTimeouts: 100 };
      rig = await openRig(plant.planOf({ press: { points } }, { timeout: '500 ms', retries: 0, ...keys }));
      const recorded = record(rig.session);
      while (recorded.batches.length < 20) await new Promise((resolve) => setTimeout(resolve, 5));
      plant.faults.add({ kind: 'silent' });
      await recorded.wait(({ status }) => status === 'BadTimeout');
      const waitedMs = () => Number(/within (\d+) ms/.exec(rig?.connector.status().devices?.press?.error?.message ?? '')?.[1]);
      assert.equal(waitedMs(), 500);
      while (waitedMs() === 500) await new Promise((resolve) => setTimeout(resolve, 5));
      assert.ok(waitedMs() < 500, `${waitedMs()}`);
      const result = await rig.write('v', 7);
      assert.match(result.written ? 'written' : result.error.message, /no answer within 500 ms/);
    });
  }

  it('asks a unit that is heard too late by a probe again, and then waits as long as is configured', async () => {
    plant = await startPlant('modbus-tcp', [1]);
    rig = await openRig(plant.planOf({ press: { points: { v: uint16(3) } } }, { timeout: '1 s', retries: 0, maxTimeouts: 100 }));
    const recorded = record(rig.session);
    while (recorded.batches.length < 20) await new Promise((resolve) => setTimeout(resolve, 5));
    const silent = plant.faults.add({ kind: 'silent' });
    await recorded.wait(({ status }) => status === 'BadTimeout');
    silent();
    plant.faults.add({ kind: 'late', ms: 600 });
    const before = recorded.batches.length;
    while (recorded.batches.slice(before).every(({ readings }) => readings[0]?.quality !== 'good'))
      await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual([rig.counter('unit_probes'), rig.counter('late_replies')], [2, 1]);
  });

  it('reads the blocks of a device at once where the device takes several requests', async () => {
    plant = await startPlant('modbus-tcp');
    plant.faults.add({ kind: 'late', ms: 100 });
    const points = Object.fromEntries([0, 1_000, 2_000, 3_000].map((holding) => [`p${holding}`, uint16(holding, 1_000)]));
    rig = await openRig(plant.planOf({ press: { points } }, { maxInFlight: 4 }));
    const startedMs = performance.now();
    const recorded = record(rig.session);
    await recorded.wait(({ point, quality }) => point.name === 'p3000' && quality === 'good');
    assert.equal(recorded.batches[0]?.readings.length, 4);
    assert.ok(performance.now() - startedMs < 350, `${performance.now() - startedMs} ms`);
  });

  it('lets a silent unit cost one time-out, however many poll groups it has', async () => {
    plant = await startPlant('modbus-tcp', [1, 2]);
    plant.faults.add({ kind: 'silent' }, { unit: 2 });
    const points = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`p${index}`, uint16(index, 100 + index)]));
    const devices = { one: { settings: { unit: 1 }, points: { v: uint16(1) } }, two: { settings: { unit: 2 }, points } };
    rig = await openRig(plant.planOf(devices, { timeout: '200 ms', retries: 0, maxTimeouts: 100 }));
    const recorded = record(rig.session);
    for (const name of Object.keys(points))
      await recorded.wait(({ point, status }) => point.name === name && status === 'BadTimeout');
    assert.equal(rig.counter('timeouts'), 1);
  });

  it('tells the points of a silent unit bad once, not with every poll, and good again when it answers', async () => {
    plant = await startPlant('modbus-tcp', [1, 2]);
    const silent = plant.faults.add({ kind: 'silent' }, { unit: 2 });
    const device = (unit: number) => ({ settings: { unit }, points: { v: uint16(unit) } });
    rig = await openRig(plant.planOf({ one: device(1), two: device(2) }, { timeout: '50 ms', retries: 0 }));
    const recorded = record(rig.session);
    await recorded.wait(({ point, status }) => point.device === 'two' && status === 'BadTimeout');
    const goodBefore = recorded.batches.length;
    while (recorded.batches.length < goodBefore + 20) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.ok(recorded.batches.filter(({ device: twin }) => twin === 'two').length <= 2);
    silent();
    await recorded.wait(({ point, quality }) => point.device === 'two' && quality === 'good');
    assert.ok(rig.counter('unit_probes') >= 1);
  });

  it('does not take a unit for silent that does not answer a write, while it answers polls', async () => {
    plant = await startPlant('modbus-tcp');
    plant.faults.add({ kind: 'silent' }, { functions: [22] });
    const points = { v: uint16(3), bit: { address: { holding: 9, bit: 3 }, intervalMs: 20, access: 'read-write' as const } };
    rig = await openRig(plant.planOf({ press: { points } }, { timeout: '300 ms', retries: 0 }));
    const recorded = record(rig.session);
    await recorded.wait(({ point, quality }) => point.name === 'v' && quality === 'good');
    const { written } = await rig.write('bit', true);
    assert.equal(written, false);
    const sinceWrite = recorded.batches.length;
    while (recorded.batches.length < sinceWrite + 5) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.ok(recorded.batches.every(({ readings }) => readings.every(({ quality }) => quality === 'good')));
    assert.equal(rig.counter('unit_probes'), 0);
  });

  it('skips polls that the device is too slow for, and counts them', async () => {
    plant = await startPlant('modbus-tcp');
    plant.faults.add({ kind: 'late', ms: 70 });
    rig = await openRig(plant.planOf({ press: { points: { v: uint16(3) } } }));
    const recorded = record(rig.session);
    while (recorded.batches.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.ok(rig.counter('skipped_polls') >= 6);
    assert.ok(rig.counter('requests') <= recorded.batches.length + 1);
  });

  it('does not read points that may only be written', async () => {
    plant = await startPlant('modbus-tcp');
    rig = await openRig(plant.planOf({ press: { points: { v: uint16(3), command: { ...uint16(4), access: 'write' } } } }));
    const recorded = record(rig.session);
    await recorded.wait(({ point }) => point.name === 'v');
    assert.ok(recorded.batches.every(({ readings }) => readings.every(({ point }) => point.name === 'v')));
  });
});
