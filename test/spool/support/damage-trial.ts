import assert from 'node:assert/strict';
import { Receiver } from './reference.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { draft, open, randomFrom, readAll } from './spool-fixture.ts';

export const DAMAGE_OPTIONS = { directory: '/spool', maxBytes: 256 * 1024 };

export async function filledDisk(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  const spool = await open({ ...DAMAGE_OPTIONS, fileSystem: disk });
  for (let value = 0; value < 60; value += 6) {
    await spool.append([0, 1, 2, 3, 4, 5].map((n) => draft(`press-${n % 2}`, value + n, ['cloud'], 'x'.repeat(800))));
  }
  await spool.close();
  return disk;
}

function harm(disk: SimulatedDisk, random: () => number): void {
  const paths = [...disk.paths('telemetry/segment-'), ...disk.paths('telemetry/cursors-')];
  const path = paths[Math.floor(random() * paths.length)] ?? '';
  const bytes = disk.content(path);
  const at = Math.floor(random() * bytes.length);
  const kind = Math.floor(random() * 4);
  if (kind === 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
  if (kind === 1) bytes.fill(0, at, Math.min(bytes.length, at + 700));
  disk.overwrite(path, kind === 3 ? undefined : kind === 2 ? bytes.subarray(0, at) : bytes);
}

/** Same bytes and same files: not a copy. */
export async function damageTrial(base: SimulatedDisk, seed: number): Promise<void> {
  const disk = base.fork();
  harm(disk, randomFrom(seed));
  const spool = await open({ ...DAMAGE_OPTIONS, fileSystem: disk });
  await spool.append([draft('press-0', 60), draft('press-1', 61)]);
  const receiver = new Receiver();
  receiver.take(await readAll(spool.reader('cloud'), 40));
  // What the reader noticed is declared before the next commit.
  await spool.append([draft('press-0', 62)]);
  receiver.take(await readAll(spool.reader('cloud'), 40));
  assert.deepEqual(receiver.unexplained(), [], `seed ${seed}`);
  assert.deepEqual(receiver.overclaimed(), [], `seed ${seed}`);
  await spool.close();
}
