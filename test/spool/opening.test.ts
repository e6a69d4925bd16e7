import assert from 'node:assert/strict';
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Receiver } from './support/reference.ts';
import { SimulatedDisk } from './support/simulated-disk.ts';
import { draft, fail, open, readAll, removeDirectory, temporaryDirectory, until, values } from './support/spool-fixture.ts';

const OPTIONS = { directory: '/spool', maxBytes: 256 * 1024 };

async function filled(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  const spool = await open({ ...OPTIONS, fileSystem: disk, hubs: ['cloud', 'historian'] });
  await spool.append([1, 2, 3, 4].map((value) => draft('press', value, ['cloud', 'historian'])));
  const stored = await readAll(spool.reader('cloud'), 10);
  spool.reader('cloud').acknowledge(stored[1] ?? assert.fail());
  await spool.close();
  return disk;
}

describe('opening a spool in a directory', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await temporaryDirectory();
  });

  afterEach(() => removeDirectory(directory));

  it('refuses a path that is a file, and one below a file, naming it', async () => {
    const file = join(directory, 'spool');
    await writeFile(file, '');
    for (const path of [file, join(file, 'below')]) {
      await assert.rejects(open({ directory: path }), { code: 'SPOOL_WRITE', subject: path });
    }
  });

  it('makes the directories above its own', async () => {
    const deep = join(directory, 'var', 'lib', 'spool');
    await (await open({ directory: deep })).close();
    assert.ok((await readdir(deep)).length > 0);
  });

  it('refuses a place where no directory can be made, at once', async function () {
    if (process.platform !== 'linux') return this.skip();
    await assert.rejects(open({ directory: '/proc/fieldmarshal/spool' }), { code: 'SPOOL_WRITE' });
  });

  it('refuses what a newer gateway wrote and touches nothing', async () => {
    const path = join(directory, 'segment-0000000000000001.log');
    await writeFile(path, 'fieldmarshal 02\nFMR2 and what only the newer one knows');
    await assert.rejects(open({ directory }), { code: 'SPOOL_CORRUPT' });
    assert.deepEqual(await readdir(directory), ['segment-0000000000000001.log']);
  });

  it('leaves foreign files alone and tells of them', async () => {
    await writeFile(join(directory, 'notes.txt'), 'mine');
    const spool = await open({ directory });
    await spool.append([draft('press', 1)]);
    await spool.close();
    assert.ok((await readdir(directory)).includes('notes.txt'));
    assert.deepEqual(spool.events[0]?.fields.path, join(directory, 'notes.txt'));
  });

  it('keeps its epoch when its directory is moved', async () => {
    const [from, to] = [join(directory, 'here'), join(directory, 'there')];
    await mkdir(from);
    const first = await open({ directory: from });
    await first.append([draft('press', 1)]);
    await first.close();
    await rename(from, to);
    const second = await open({ directory: to });
    assert.equal(second.status().classes.telemetry.epoch, first.status().classes.telemetry.epoch);
    await second.close();
  });
});

describe('opening a spool that is not as it was left', () => {
  it('takes a damaged digit of the version for damage, not for a newer gateway', async () => {
    const disk = await filled();
    const [path = ''] = disk.paths('telemetry/segment-');
    const bytes = disk.content(path);
    bytes.write('9', 14);
    disk.overwrite(path, bytes);
    const spool = await open({ ...OPTIONS, fileSystem: disk });
    assert.deepEqual(values(await readAll(spool.reader('cloud'))), [3, 4]);
    await spool.close();
  });

  for (const slots of [['cursors-a'], ['cursors-b'], ['cursors-a', 'cursors-b']]) {
    it(`delivers everything not acknowledged, perhaps more, when ${slots.join(' and ')} is damaged`, async () => {
      const disk = await filled();
      for (const slot of slots) disk.overwrite(`/spool/telemetry/${slot}`, Buffer.from('FMR1 no longer a cursor'));
      const spool = await open({ ...OPTIONS, fileSystem: disk });
      assert.deepEqual(values(await readAll(spool.reader('cloud'))).slice(-2), [3, 4]);
      assert.equal(spool.events[0]?.event, 'cursors damaged');
      await spool.close();
    });
  }

  it('begins a new epoch on a restored backup, so that no number is given out twice', async () => {
    const disk = await filled();
    const spool = await open({ ...OPTIONS, fileSystem: disk.backUp() });
    await spool.append([draft('press', 5)]);
    const stored = await readAll(spool.reader('cloud'));
    assert.deepEqual(values(stored), [3, 4, 5]);
    assert.notEqual(stored.at(-1)?.epoch, stored[0]?.epoch);
    assert.equal(stored.at(-1)?.sequence, 1);
    await spool.close();
  });

  it('gives a new hub what names it from the oldest on, and forgets a hub that is gone', async () => {
    const disk = await filled();
    const without = await open({ ...OPTIONS, fileSystem: disk, hubs: ['historian'] });
    assert.throws(() => without.reader('cloud'), { code: 'BUG' });
    const stored = await readAll(without.reader('historian'));
    without.reader('historian').acknowledge(stored.at(-1) ?? assert.fail());
    await without.close();
    const again = await open({ ...OPTIONS, fileSystem: disk, hubs: ['historian', 'cloud'] });
    assert.deepEqual(values(await readAll(again.reader('historian'))), []);
    assert.deepEqual(values(await readAll(again.reader('cloud'))), [1, 2, 3, 4]);
    await again.append([draft('press', 5, ['cloud'])]);
    assert.equal((await readAll(again.reader('cloud')))[0]?.sequence, 5);
    await again.close();
  });

  it('counts after a restart what waited before it', async () => {
    const disk = await filled();
    const spool = await open({ ...OPTIONS, fileSystem: disk, hubs: ['cloud', 'historian'] });
    const { hubs } = spool.status();
    assert.deepEqual([hubs.cloud?.waitingMessages, hubs.historian?.waitingMessages], [2, 4]);
    await spool.close();
  });
});

describe('opening a spool on an ill disk', () => {
  for (const code of ['EIO', 'EROFS', 'ENOSPC']) {
    it(`starts degraded by ${code}, keeps what comes in memory, and delivers all when the disk is back`, async () => {
      const disk = await filled();
      disk.onRead = fail(code);
      disk.onOperation = fail(code);
      const spool = await open({ ...OPTIONS, fileSystem: disk });
      assert.deepEqual([spool.status().state, spool.status().error], ['degraded', code]);
      const reading = spool.reader('cloud').read(1 << 20, AbortSignal.timeout(5_000));
      const appended = spool.append([draft('press', 5)]);
      disk.onRead = () => {};
      disk.onOperation = () => {};
      await appended;
      assert.deepEqual(values([...(await reading), ...(await readAll(spool.reader('cloud')))]), [3, 4, 5]);
      await until(() => spool.status().state === 'ok');
      const told = spool.events.map(({ event }) => event);
      assert.deepEqual(told, ['disk failed', 'disk recovered']);
      await spool.close();
    });
  }

  it('opens whichever look at the disk fails first', async () => {
    const base = await filled();
    let looks = 0;
    const run = async (failing: number) => {
      const disk = base.fork();
      let count = 0;
      disk.onRead = () => {
        count += 1;
        looks = Math.max(looks, count);
        if (count === failing) fail('EIO')();
      };
      const spool = await open({ ...OPTIONS, fileSystem: disk });
      await spool.append([draft('press', 5)]);
      const receiver = new Receiver();
      receiver.take(await readAll(spool.reader('cloud'), 700));
      assert.deepEqual(receiver.values().slice(-3), [3, 4, 5], `look ${failing}`);
      await spool.close();
    };
    await run(0);
    await Promise.all(Array.from({ length: looks }, (_, index) => run(index + 1)));
  });

  it('refuses what never came to the disk when it is closed', async () => {
    const disk = new SimulatedDisk();
    disk.onRead = fail('EIO');
    const spool = await open({ ...OPTIONS, fileSystem: disk });
    const refused = assert.rejects(spool.append([draft('press', 1)]), { code: 'SPOOL_WRITE' });
    await spool.close();
    await refused;
  });
});
