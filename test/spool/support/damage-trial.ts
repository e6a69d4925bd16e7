import assert from 'node:assert/strict';
import type { Stored } from '../../../src/model/twin-message.ts';
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

/** The same with some of it acknowledged live, before what waited; and what the hub has of it. */
export async function filledLiveFirst(): Promise<{ readonly disk: SimulatedDisk; readonly received: readonly Stored[] }> {
  const disk = new SimulatedDisk();
  const spool = await open({ ...DAMAGE_OPTIONS, fileSystem: disk });
  const append = (first: number) =>
    spool.append([0, 1, 2, 3, 4, 5].map((n) => draft(`press-${n % 2}`, first + n, ['cloud'], 'x'.repeat(800))));
  const received: Stored[] = [];
  for (let value = 0; value < 60; value += 6) {
    await append(value);
    if (value % 24 !== 12) continue;
    const lanes = spool.reader('cloud').liveFirst(0) ?? assert.fail();
    await append(1_000 + value);
    const live = (await readAll(lanes.live, 20)).slice(0, 4);
    lanes.live.acknowledge(live.at(-1) ?? assert.fail());
    received.push(...live);
    spool.reader('cloud').rewind();
  }
  await spool.close();
  return { disk, received };
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
export async function damageTrial(base: SimulatedDisk, seed: number, received?: readonly Stored[]): Promise<void> {
  const disk = base.fork();
  harm(disk, randomFrom(seed));
  const spool = await open({ ...DAMAGE_OPTIONS, fileSystem: disk });
  await spool.append([draft('press-0', 60), draft('press-1', 61)]);
  const receiver = new Receiver();
  receiver.take(received ?? []);
  receiver.take(await readAll(spool.reader('cloud'), 40), true);
  // What the reader noticed is declared before the next commit.
  await spool.append([draft('press-0', 62)]);
  receiver.take(await readAll(spool.reader('cloud'), 40));
  assert.deepEqual(receiver.unexplained(), [], `seed ${seed}`);
  // In a damaged stretch nobody knows which numbers were acknowledged live: at the receiver, what did arrive, arrived.
  if (received === undefined) assert.deepEqual(receiver.overclaimed(), [], `seed ${seed}`);
  await spool.close();
}
