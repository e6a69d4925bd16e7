import assert from 'node:assert/strict';
import { SimulatedDisk } from './support/simulated-disk.ts';
import { draft, gaps, open, randomFrom, readAll } from './support/spool-fixture.ts';

const OPTIONS = { directory: '/spool', maxBytes: 256 * 1024 };

/** Everything is acknowledged; the power goes at the n-th operation after that. */
async function cutWhileFreeing(after: number): Promise<void> {
  const disk = new SimulatedDisk(randomFrom(after + 1));
  const spool = await open({ ...OPTIONS, fileSystem: disk });
  for (let value = 0; value < 60; value += 10) {
    await spool.append(Array.from({ length: 10 }, (_, n) => draft('press', value + n, ['cloud'], 'x'.repeat(1_000))));
  }
  const stored = await readAll(spool.reader('cloud'), 20);
  let survivor: SimulatedDisk | undefined;
  const cutAt = disk.operations + after;
  disk.onOperation = (count) => {
    if (count > cutAt) survivor ??= disk.cutPower();
  };
  spool.reader('cloud').acknowledge(stored.at(-1) ?? assert.fail());
  await spool.close();
  const again = await open({ ...OPTIONS, fileSystem: survivor ?? disk.cutPower() });
  assert.deepEqual(gaps(await readAll(again.reader('cloud'), 40)), [], `operation ${after}`);
  await again.close();
}

describe('a spool that frees what was acknowledged', () => {
  it('claims no loss, whenever the power goes meanwhile', async () => {
    await Promise.all(Array.from({ length: 24 }, (_, after) => cutWhileFreeing(after)));
  });
});
