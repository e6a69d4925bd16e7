import assert from 'node:assert/strict';
import type { Spool } from '../../src/spool/spool.ts';
import { SimulatedDisk } from './support/simulated-disk.ts';
import { draft, numbers, open, readAll, until } from './support/spool-fixture.ts';

/** What comes again after a crash. */
async function comesAgain(disk: SimulatedDisk): Promise<readonly unknown[]> {
  const survivor = await open({ directory: '/spool', fileSystem: disk.fork() });
  const again = numbers(await readAll(survivor.reader('cloud')));
  await survivor.close();
  return again;
}

describe('what is acknowledged', () => {
  let disk: SimulatedDisk;
  let spool: Spool;
  beforeEach(async () => {
    disk = new SimulatedDisk();
    spool = await open({ directory: '/spool', fileSystem: disk });
    await spool.append(Array.from({ length: 40 }, (_, index) => draft('press', index + 1)));
  });
  afterEach(() => spool.close());

  const acknowledge = async (count: number) => {
    const reader = spool.reader('cloud');
    reader.rewind();
    const stored = await readAll(reader);
    reader.acknowledge(stored[count - 1] ?? assert.fail());
  };
  const cursors = () => Buffer.concat(disk.paths('telemetry/cursors-').map((path) => disk.content(path)));

  it('is saved within a second, not with the next commit', async () => {
    await acknowledge(2);
    await spool.append([draft('press', 41)]);
    await spool.append([draft('press', 42)]);
    assert.equal((await comesAgain(disk)).length, 42);
    const startedMs = performance.now();
    await until(() => cursors().includes('"messages":2'));
    assert.ok(performance.now() - startedMs < 1_500);
    assert.equal((await comesAgain(disk)).length, 40);
  });

  it('is saved with the next commit where it is many messages', async () => {
    await acknowledge(32);
    await spool.append([draft('press', 41)]);
    await spool.append([draft('press', 42)]);
    assert.deepEqual((await comesAgain(disk))[0], 33);
  });
});
