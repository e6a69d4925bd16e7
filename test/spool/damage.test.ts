import assert from 'node:assert/strict';
import { readdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Receiver } from './support/reference.ts';
import { draft, open, readAll, removeDirectory, temporaryDirectory } from './support/spool-fixture.ts';

const MAX_BYTES = 256 * 1024;
const TRIALS = 60;

function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

async function harm(directory: string, random: () => number): Promise<void> {
  const names = (await readdir(directory)).filter((name) => name.startsWith('segment-') || name.startsWith('cursors-'));
  const path = join(directory, names[Math.floor(random() * names.length)] ?? '');
  const bytes = await readFile(path);
  const at = Math.floor(random() * bytes.length);
  const kind = Math.floor(random() * 4);
  if (kind === 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
  if (kind === 1) bytes.fill(0, at, Math.min(bytes.length, at + 700));
  if (kind === 3) await unlink(path);
  else await writeFile(path, kind === 2 ? bytes.subarray(0, at) : bytes);
}

describe('a damaged spool', () => {
  it('opens all the same and explains every number that is missing', async () => {
    for (let seed = 1; seed <= TRIALS; seed += 1) {
      const directory = await temporaryDirectory();
      const first = await open({ directory, maxBytes: MAX_BYTES });
      for (let value = 0; value < 60; value += 6) {
        await first.append([0, 1, 2, 3, 4, 5].map((n) => draft(`press-${n % 2}`, value + n, ['cloud'], 'x'.repeat(800))));
      }
      await first.close();
      await harm(directory, randomFrom(seed));
      const spool = await open({ directory, maxBytes: MAX_BYTES });
      await spool.append([draft('press-0', 60), draft('press-1', 61)]);
      const receiver = new Receiver();
      receiver.take(await readAll(spool.reader('cloud'), 20));
      assert.deepEqual(receiver.unexplained(), [], `seed ${seed}`);
      await spool.close();
      await removeDirectory(directory);
    }
  }).timeout(30_000);
});
