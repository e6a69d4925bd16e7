import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { draft, gaps, open, readAll, removeDirectory, temporaryDirectory, until, values } from './support/spool-fixture.ts';

const PADDING = 'x'.repeat(8_000);

describe('a disk that others fill (pending unless root may mount a tmpfs)', () => {
  let directory: string;
  let isMounted = false;

  before(async function () {
    directory = await temporaryDirectory();
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', directory], { stdio: 'ignore' });
      isMounted = true;
    } catch {
      this.skip();
    }
  });

  afterEach(async () => rm(join(directory, 'spool'), { recursive: true, force: true }));

  after(async () => {
    if (isMounted) execFileSync('umount', [directory]);
    await removeDirectory(directory);
  });

  for (const whenFull of ['drop-oldest', 'drop-newest'] as const) {
    it(`keeps what memory holds (${whenFull}), frees what is acknowledged, declares the rest, and heals`, async () => {
      const options = { directory: join(directory, 'spool'), maxBytes: 64 * 2 ** 20, maxWaitingBytes: 50_000, whenFull };
      const spool = await open(options);
      await spool.append([draft('press', 1)]);
      const ballast = join(directory, 'ballast');
      await writeFile(ballast, Buffer.alloc(4 << 20)).catch(() => {});
      const appended = Array.from({ length: 20 }, (_, index) => spool.append([draft('press', index + 2, ['cloud'], PADDING)]));
      await until(() => spool.status().state === 'degraded');
      assert.match(spool.status().error ?? '', /ENOSPC/);
      assert.deepEqual(values(await readAll(spool.reader('cloud')))[0], 1);
      await rm(ballast);
      await Promise.all(appended);
      await until(() => spool.status().state === 'ok');
      await spool.append([draft('press', 22)]);
      spool.reader('cloud').rewind();
      const stored = await readAll(spool.reader('cloud'));
      const [gap] = gaps(stored);
      assert.equal(gap?.reason, 'overflow');
      assert.equal(values(stored).length + (gap?.messages ?? 0), 22);
      assert.equal(values(stored).includes(21), whenFull === 'drop-oldest');
      assert.equal(values(stored).includes(2), whenFull === 'drop-newest');
      await spool.close();
    });
  }
});
