import assert from 'node:assert/strict';
import type { Stored } from '../../../src/model/twin-message.ts';
import { Receiver } from './reference.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { draft, type OpenOptions, open, randomFrom, readWhatIsThere } from './spool-fixture.ts';

export const DAMAGE_OPTIONS = { directory: '/spool', maxBytes: 256 * 1024 };

/** What a trial begins with. */
export interface DamageBase {
  readonly disk: SimulatedDisk;
  readonly options?: Pick<OpenOptions, 'whenFull' | 'maxBytes'>;
  /** What the hub has of it. */
  readonly received?: readonly Stored[];
}

/** Overflowed again and again, so that gap records stand in the log; `taken`: so many messages the hub took at a time. */
export async function filledTooFull(whenFull: 'drop-oldest' | 'thin', taken = 0): Promise<DamageBase> {
  const disk = new SimulatedDisk();
  const options = { whenFull, maxBytes: 1 << 20 };
  const spool = await open({ ...DAMAGE_OPTIONS, ...options, fileSystem: disk });
  const append = async (first: number, count: number) => {
    for (let value = first; value < first + count; value += 6) {
      await spool.append([0, 1, 2, 3, 4, 5].map((n) => draft(`press-${n % 2}`, value + n, ['cloud'], 'x'.repeat(3_200))));
    }
  };
  await append(0, 360);
  const received = (await readWhatIsThere(spool.reader('cloud'))).slice(0, taken);
  const last = received.at(-1);
  if (last !== undefined) spool.reader('cloud').acknowledge(last);
  await append(360, 240);
  await spool.close();
  return { disk, options, received };
}

export async function filledDisk(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  const spool = await open({ ...DAMAGE_OPTIONS, fileSystem: disk });
  for (let value = 0; value < 60; value += 6) {
    await spool.append([0, 1, 2, 3, 4, 5].map((n) => draft(`press-${n % 2}`, value + n, ['cloud'], 'x'.repeat(800))));
  }
  await spool.close();
  return disk;
}

/** The same as a kill leaves it, with room ahead of the log. */
async function filledAndKilled(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  const spool = await open({ ...DAMAGE_OPTIONS, fileSystem: disk });
  for (let value = 0; value < 60; value += 1)
    await spool.append([draft(`press-${value % 2}`, value, ['cloud'], 'x'.repeat(200))]);
  const killed = disk.fork();
  await spool.close();
  return killed;
}

/** The same with some of it acknowledged live, before what waited; and what the hub has of it. */
export async function filledLiveFirst(): Promise<DamageBase & { readonly received: readonly Stored[] }> {
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
    const live = (await readWhatIsThere(lanes.live)).slice(0, 4);
    lanes.live.acknowledge(live.at(-1) ?? assert.fail());
    received.push(...live);
    spool.reader('cloud').rewind();
  }
  await spool.close();
  return { disk, received };
}

/** By what happened to them before. */
export const DAMAGE_BASES: Readonly<Record<string, () => Promise<DamageBase>>> = {
  'that waits': async () => ({ disk: await filledDisk() }),
  'whose gateway was killed': async () => ({ disk: await filledAndKilled() }),
  'read live first': filledLiveFirst,
  'of which the oldest was dropped': () => filledTooFull('drop-oldest'),
  'of which the oldest was dropped while the hub came and went': () => filledTooFull('drop-oldest', 100),
  'which was thinned': () => filledTooFull('thin'),
  'which was thinned while the hub came and went': () => filledTooFull('thin', 100),
};

function harm(disk: SimulatedDisk, random: () => number): void {
  const paths = ['segment-', 'cursors-', 'gap-copies'].flatMap((name) => disk.paths(`telemetry/${name}`));
  const path = paths[Math.floor(random() * paths.length)] ?? '';
  const bytes = disk.content(path);
  const at = Math.floor(random() * bytes.length);
  const kind = Math.floor(random() * 4);
  if (kind === 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
  if (kind === 1) bytes.fill(0, at, Math.min(bytes.length, at + 700));
  disk.overwrite(path, kind === 3 ? undefined : kind === 2 ? bytes.subarray(0, at) : bytes);
}

/** Same bytes and same files: not a copy. */
export async function damageTrial({ disk: base, options, received }: DamageBase, seed: number): Promise<void> {
  const disk = base.fork();
  harm(disk, randomFrom(seed));
  const spool = await open({ ...DAMAGE_OPTIONS, ...options, fileSystem: disk });
  await spool.append([draft('press-0', 600), draft('press-1', 601)]);
  const receiver = new Receiver();
  receiver.take(received ?? []);
  // What is read and not acknowledged may be dropped all the same, and arrived.
  const acknowledge = (stored: readonly Stored[]) => spool.reader('cloud').acknowledge(stored.at(-1) ?? assert.fail());
  receiver.take(await readWhatIsThere(spool.reader('cloud'), acknowledge), true);
  // What the reader noticed is declared before the next commit.
  await spool.append([draft('press-0', 602)]);
  receiver.take(await readWhatIsThere(spool.reader('cloud')));
  assert.deepEqual(receiver.unexplained(), [], `seed ${seed}`);
  assert.deepEqual(receiver.overclaimed(), [], `seed ${seed}`);
  await spool.close();
}
