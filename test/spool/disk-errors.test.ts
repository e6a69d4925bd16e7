import assert from 'node:assert/strict';
import { DISK_FAULTS, runWithFault } from './support/disk-fault-run.ts';
import { SimulatedDisk } from './support/simulated-disk.ts';
import { draft, numbers, open, readAll } from './support/spool-fixture.ts';

describe('a spool on a disk that fails', () => {
  for (const [name, fault] of Object.entries(DISK_FAULTS)) {
    it(`loses nothing by ${name}, at whichever operation it comes`, async () => {
      const operations = await runWithFault(() => {}, 0);
      assert.ok(operations > 60);
      for (let first = 1; first <= operations; first += 64) {
        const batch = Array.from({ length: 64 }, (_, index) => runWithFault(fault, first + index));
        await Promise.all(batch);
      }
    }).timeout(20_000);
  }

  it('says that it is degraded, keeps what waits in memory, and heals by itself', async () => {
    const disk = new SimulatedDisk();
    const spool = await open({ directory: '/spool', fileSystem: disk, commitWindowMs: 0 });
    await spool.append([draft('press', 1)]);
    disk.onOperation = () => {
      throw Object.assign(new Error('read-only file system'), { code: 'EROFS' });
    };
    const waiting = spool.append([draft('press', 2)]);
    while (spool.status().state === 'ok') await new Promise((resolve) => setImmediate(resolve));
    assert.equal(spool.status().error, 'read-only file system');
    disk.onOperation = () => {};
    await waiting;
    while (spool.status().state !== 'ok') await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(numbers(await readAll(spool.reader('cloud'))), [1, 2]);
    assert.deepEqual(
      spool.events.map(({ event }) => event),
      ['disk failed', 'disk recovered'],
    );
    assert.match(String(spool.events[0]?.fields.action), /check the disk/);
    await spool.close();
  });

  it('drops the oldest above its bound of memory, and declares them when the disk is back', async () => {
    const disk = new SimulatedDisk();
    const spool = await open({ directory: '/spool', fileSystem: disk, commitWindowMs: 0, maxWaitingBytes: 3_000 });
    await spool.append([draft('press', 0)]);
    disk.onOperation = () => {
      throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    };
    const appended = Promise.all(
      [1, 2, 3, 4, 5, 6].map((value) => spool.append([draft('press', value, ['cloud'], 'x'.repeat(500))])),
    );
    while (spool.status().state === 'ok') await new Promise((resolve) => setImmediate(resolve));
    disk.onOperation = () => {};
    await appended;
    const stored = await readAll(spool.reader('cloud'));
    const gap = stored.find(({ message }) => message.kind === 'gap')?.message.gap;
    assert.equal(gap?.reason, 'overflow');
    assert.equal(numbers(stored).filter((value) => value !== undefined).length + (gap?.messages ?? 0), 7);
    assert.equal(stored.at(-1)?.sequence, stored.length, 'what never had a number leaves no hole');
    await spool.close();
  });

  it('never writes again to a file whose datasync failed', async () => {
    const disk = new SimulatedDisk();
    const spool = await open({ directory: '/spool', fileSystem: disk, commitWindowMs: 0 });
    await spool.append([draft('press', 1)]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    let isFailed = false;
    disk.onOperation = (_, kind) => {
      if (kind !== 'datasync' || isFailed) return;
      isFailed = true;
      throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
    await spool.append([draft('press', 2)]);
    assert.equal(spool.status().classes.telemetry.segments, 2);
    assert.deepEqual(numbers(await readAll(spool.reader('cloud'))), [1, 2]);
    await spool.close();
  });

  it('refuses what it could not write before it was closed', async () => {
    const disk = new SimulatedDisk();
    const spool = await open({ directory: '/spool', fileSystem: disk, commitWindowMs: 0 });
    await spool.append([draft('press', 1)]);
    disk.onOperation = () => {
      throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
    const appending = assert.rejects(spool.append([draft('press', 2)]), { code: 'SPOOL_WRITE' });
    await spool.close();
    await appending;
  });
});
