import assert from 'node:assert/strict';
import type { Gap } from '../../src/model/twin-message.ts';
import type { Draft } from '../../src/spool/spool.ts';
import { SimulatedDisk } from './support/simulated-disk.ts';
import { draft, gaps, type OpenOptions, open, readAll } from './support/spool-fixture.ts';

const COPIES = '/spool/telemetry/gap-copies';

function gapDraft(n: number, hubs: readonly string[] = ['cloud']): Draft {
  const gap: Gap = { reason: 'device-away', fromTimeMs: n, toTimeMs: n + 1, messages: 0, readings: n, points: ['oil'] };
  return { message: { twin: 'press', kind: 'gap', startTimeMs: n, values: {}, gap }, hubs };
}

async function withDisk(disk: SimulatedDisk, options: Omit<OpenOptions, 'directory'> = {}) {
  return open({ directory: '/spool', fileSystem: disk, maxBytes: 256 * 1024, ...options });
}

function destroyLog(disk: SimulatedDisk): void {
  for (const path of disk.paths('telemetry/segment-')) disk.overwrite(path, undefined);
}

function readingsTold(told: readonly Gap[]): number {
  return told.filter(({ reason }) => reason === 'device-away').reduce((sum, { readings }) => sum + readings, 0);
}

describe('the second copies of gap records', () => {
  it('tell every hub that waits, and no other, what was in a log of which nothing is left', async () => {
    const disk = new SimulatedDisk();
    const hubs = ['cloud', 'historian'];
    const spool = await withDisk(disk, { hubs });
    await spool.append([draft('press', 1, hubs), gapDraft(7, hubs), draft('press', 2, hubs)]);
    const stored = await readAll(spool.reader('cloud'));
    spool.reader('cloud').acknowledge(stored[1] ?? assert.fail());
    await spool.close();
    destroyLog(disk);
    const again = await withDisk(disk, { hubs });
    await again.append([draft('press', 3, hubs)]);
    assert.equal(readingsTold(gaps(await readAll(again.reader('historian')))), 7);
    assert.equal(readingsTold(gaps(await readAll(again.reader('cloud')))), 0);
    await again.close();
  });

  it('tell what was in the newest segment when that is gone, though a new epoch begins', async () => {
    const disk = new SimulatedDisk();
    const spool = await withDisk(disk);
    for (let value = 1; value <= 40; value += 1) await spool.append([draft('press', value, ['cloud'], 'x'.repeat(800))]);
    await spool.append([gapDraft(7)]);
    await spool.close();
    disk.overwrite(disk.paths('telemetry/segment-').at(-1) ?? assert.fail(), undefined);
    for (let starts = 0; starts < 2; starts += 1) {
      const again = await withDisk(disk);
      await again.append([draft('press', 41 + starts)]);
      assert.equal(readingsTold(gaps(await readAll(again.reader('cloud')))), 7);
      assert.equal(again.events.filter(({ event }) => event === 'epoch changed').length, starts === 0 ? 1 : 0);
      await again.close();
    }
  });

  it('tell it once, whatever fails meanwhile and however often the gateway starts', async () => {
    const base = new SimulatedDisk();
    const spool = await withDisk(base);
    await spool.append([draft('press', 1), gapDraft(7)]);
    await spool.close();
    destroyLog(base);
    for (let failing = 1; failing <= 12; failing += 1) {
      const disk = base.fork();
      disk.onOperation = (count) => {
        if (count === failing) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
      };
      for (let value = 2; value < 5; value += 1) {
        const again = await withDisk(disk);
        await again.append([draft('press', value)]);
        await again.close();
      }
      const last = await withDisk(disk);
      assert.equal(readingsTold(gaps(await readAll(last.reader('cloud')))), 7, `operation ${failing}`);
      await last.close();
    }
  });

  it('leave no file open, however often the disk refuses to take them', async () => {
    const disk = new SimulatedDisk();
    const first = await withDisk(disk);
    await first.append([gapDraft(1)]);
    await first.close();
    assert.equal(disk.openFiles, 0);
    const spool = await withDisk(disk);
    let refusals = 0;
    disk.onOperation = (_count, kind) => {
      if (kind !== 'write' || disk.paths('.new').length === 0) return;
      refusals += 1;
      throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    };
    await spool.append([gapDraft(2)]);
    while (refusals < 3) await new Promise((resolve) => setTimeout(resolve, 10));
    disk.onOperation = () => {};
    await spool.close();
    assert.equal(disk.openFiles, 0);
  });

  it('are encrypted as the log is', async () => {
    for (const [keys, isReadable] of [
      [[], true],
      [[Buffer.from('a key')], false],
    ] as const) {
      const disk = new SimulatedDisk();
      const spool = await withDisk(disk, { keys });
      await spool.append([gapDraft(1)]);
      await spool.close();
      assert.equal(disk.content(COPIES).includes('device-away'), isReadable);
    }
  });

  it('are forgotten when every hub has taken the records, and bounded while none does', async () => {
    const disk = new SimulatedDisk();
    const spool = await withDisk(disk, { whenFull: 'drop-newest' });
    const append = async (count: number) => {
      for (let n = 0; n < count; n += 1) await spool.append([gapDraft(n)]);
      return disk.content(COPIES).length;
    };
    const bound = (2 * 256 * 1024) / 16;
    for (let round = 0; round < 10; round += 1) assert.ok((await append(40)) <= bound + 1_000);
    assert.ok((await append(40)) > bound / 2, 'the newest stay');
    const sizes: number[] = [];
    for (let round = 0; round < 30; round += 1) {
      const stored = await readAll(spool.reader('cloud'), 10);
      spool.reader('cloud').acknowledge(stored.at(-1) ?? assert.fail());
      sizes.push(await append(4));
    }
    assert.ok(Math.min(...sizes) < 3_000, `${sizes}`);
    await spool.close();
  });
});
