import assert from 'node:assert/strict';
import { DAMAGE_BASES, DAMAGE_OPTIONS, damageTrial, filledDisk, filledLiveFirst } from './support/damage-trial.ts';
import { Receiver } from './support/reference.ts';
import { SimulatedDisk } from './support/simulated-disk.ts';
import { draft, gaps, open, readAll, values } from './support/spool-fixture.ts';

const TRIALS = 400;
const AT_ONCE = 40;

describe('a damaged spool', () => {
  for (const [name, fill] of Object.entries(DAMAGE_BASES)) {
    it(`opens all the same, explains every number that is missing and claims none that arrived: one ${name}`, async () => {
      const base = await fill();
      for (let seed = 1; seed <= TRIALS; seed += AT_ONCE) {
        await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => damageTrial(base, seed + index)));
      }
    }).timeout(40_000);
  }

  it('loses one block by one damaged bit, says what was in it, and counts it no longer as waiting', async () => {
    const disk = await filledDisk();
    const [path = ''] = disk.paths('telemetry/segment-');
    const bytes = disk.content(path);
    const at = bytes.indexOf('xxx', 3_000);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    disk.overwrite(path, bytes);
    const spool = await open({ ...DAMAGE_OPTIONS, fileSystem: disk });
    const stored = await readAll(spool.reader('cloud'));
    spool.reader('cloud').acknowledge(stored.at(-1) ?? assert.fail());
    const told = gaps([...stored, ...(await readAll(spool.reader('cloud')))]);
    assert.equal(values(stored).length, 54);
    const ranges = told.map(({ reason, messages, fromSequence = 0, toSequence = 0 }) => [
      reason,
      messages,
      toSequence - fromSequence,
    ]);
    assert.deepEqual(ranges, [
      ['damaged', 3, 2],
      ['damaged', 3, 2],
    ]);
    assert.ok(disk.paths('quarantine').length > 0);
    await spool.close();
  });

  it('declares for the epoch of the messages what is missing of the newest segment, head and all', async () => {
    const { disk, received } = await filledLiveFirst();
    const path = disk.paths('telemetry/segment-').at(-1) ?? assert.fail();
    disk.overwrite(path, disk.content(path).fill(0, 100, 900));
    const spool = await open({ ...DAMAGE_OPTIONS, fileSystem: disk });
    const before = await readAll(spool.reader('cloud'));
    await spool.append([draft('press-0', 60), draft('press-1', 61)]);
    const stored = [...before, ...(await readAll(spool.reader('cloud')))];
    const receiver = new Receiver();
    receiver.take(received);
    receiver.take(stored, true);
    assert.equal(receiver.epochs(), 2);
    assert.ok(receiver.missingCount() > 0);
    assert.deepEqual(receiver.unexplained(), []);
    await spool.close();
  });

  it('tells two damaged places apart and claims nothing in between', async () => {
    const disk = new SimulatedDisk();
    const first = await open({ ...DAMAGE_OPTIONS, fileSystem: disk });
    for (let value = 1; value <= 10; value += 1) await first.append([draft('press', value, ['cloud'], 'x'.repeat(300))]);
    await first.close();
    const [path = ''] = disk.paths('telemetry/segment-');
    const bytes = disk.content(path);
    const texts = [...bytes.toString('latin1').matchAll(/x{300}/g)].map(({ index }) => index);
    for (const value of [3, 8]) bytes.write('y', texts[value - 1] ?? -1);
    disk.overwrite(path, bytes);
    const spool = await open({ ...DAMAGE_OPTIONS, fileSystem: disk });
    await spool.append([draft('press', 11)]);
    const stored = [...(await readAll(spool.reader('cloud'))), ...(await readAll(spool.reader('cloud')))];
    const ranges = gaps(stored).map(({ fromSequence, toSequence, messages }) => [fromSequence, toSequence, messages]);
    assert.deepEqual(ranges, [
      [3, 3, 1],
      [8, 8, 1],
    ]);
    await spool.close();
  });

  it('declares what was in a segment of which nothing is left, not even its head', async () => {
    for (const left of [0, 10, 48, 100, 1_000]) {
      const disk = await filledDisk();
      const [path = ''] = disk.paths('telemetry/segment-');
      disk.overwrite(path, disk.content(path).subarray(0, left));
      const spool = await open({ ...DAMAGE_OPTIONS, fileSystem: disk });
      const receiver = new Receiver();
      receiver.take(await readAll(spool.reader('cloud')));
      await spool.append([draft('press-0', 60)]);
      receiver.take(await readAll(spool.reader('cloud')));
      assert.deepEqual(receiver.unexplained(), [], `${left} bytes left`);
      assert.ok(receiver.missingCount() >= 18, `${receiver.missingCount()} missing`);
      await spool.close();
    }
  });

  it('begins a new epoch when the newest segment is gone, even if no cursor ever moved', async () => {
    const disk = await filledDisk();
    const newest = disk.paths('telemetry/segment-').at(-1) ?? '';
    disk.overwrite(newest, undefined);
    const spool = await open({ ...DAMAGE_OPTIONS, fileSystem: disk });
    assert.ok(spool.events.some(({ event }) => event === 'epoch changed'));
    await spool.close();
  });
});
