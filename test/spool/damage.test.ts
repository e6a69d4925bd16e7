import assert from 'node:assert/strict';
import { Receiver } from './support/reference.ts';
import { SimulatedDisk } from './support/simulated-disk.ts';
import { draft, gaps, open, randomFrom, readAll, values } from './support/spool-fixture.ts';

const OPTIONS = { directory: '/spool', maxBytes: 256 * 1024 };
const TRIALS = 400;
const AT_ONCE = 40;

async function filled(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  const spool = await open({ ...OPTIONS, fileSystem: disk });
  for (let value = 0; value < 60; value += 6) {
    await spool.append([0, 1, 2, 3, 4, 5].map((n) => draft(`press-${n % 2}`, value + n, ['cloud'], 'x'.repeat(800))));
  }
  await spool.close();
  return disk;
}

function harm(disk: SimulatedDisk, random: () => number): void {
  const paths = [...disk.paths('segment-'), ...disk.paths('cursors-')];
  const path = paths[Math.floor(random() * paths.length)] ?? '';
  const bytes = disk.content(path);
  const at = Math.floor(random() * bytes.length);
  const kind = Math.floor(random() * 4);
  if (kind === 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
  if (kind === 1) bytes.fill(0, at, Math.min(bytes.length, at + 700));
  disk.overwrite(path, kind === 3 ? undefined : kind === 2 ? bytes.subarray(0, at) : bytes);
}

/** Same bytes and same files: not a copy. */
async function trial(base: SimulatedDisk, seed: number): Promise<void> {
  const disk = base.fork();
  harm(disk, randomFrom(seed));
  const spool = await open({ ...OPTIONS, fileSystem: disk });
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

describe('a damaged spool', () => {
  it('opens all the same, explains every number that is missing and claims none that arrived', async () => {
    const base = await filled();
    for (let seed = 1; seed <= TRIALS; seed += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => trial(base, seed + index)));
    }
  }).timeout(20_000);

  it('loses one block by one damaged bit, says what was in it, and counts it no longer as waiting', async () => {
    const disk = await filled();
    const [path = ''] = disk.paths('segment-');
    const bytes = disk.content(path);
    const at = bytes.indexOf('xxx', 3_000);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    disk.overwrite(path, bytes);
    const spool = await open({ ...OPTIONS, fileSystem: disk });
    const stored = await readAll(spool.reader('cloud'));
    spool.reader('cloud').acknowledge(stored.at(-1)?.offset ?? 0);
    const told = gaps([...stored, ...(await readAll(spool.reader('cloud')))]);
    assert.equal(values(stored).length, 54);
    const ranges = told.map(({ reason, messages, fromSequence = 0, toSequence = 0 }) => [
      reason,
      messages,
      toSequence - fromSequence,
    ]);
    assert.deepEqual(ranges, [
      ['damaged', 3, 2],
      ['damaged', 3, 2],
    ]);
    assert.ok(disk.paths('quarantine').length > 0);
    await spool.close();
  });

  it('tells two damaged places apart and claims nothing in between', async () => {
    const disk = new SimulatedDisk();
    const first = await open({ ...OPTIONS, fileSystem: disk });
    for (let value = 1; value <= 10; value += 1) await first.append([draft('press', value, ['cloud'], 'x'.repeat(300))]);
    await first.close();
    const [path = ''] = disk.paths('segment-');
    const bytes = disk.content(path);
    for (const value of [3, 8]) bytes.write('y', bytes.indexOf(`"value":[[0,${value}]]`));
    disk.overwrite(path, bytes);
    const spool = await open({ ...OPTIONS, fileSystem: disk });
    await spool.append([draft('press', 11)]);
    const stored = [...(await readAll(spool.reader('cloud'))), ...(await readAll(spool.reader('cloud')))];
    const ranges = gaps(stored).map(({ fromSequence, toSequence, messages }) => [fromSequence, toSequence, messages]);
    assert.deepEqual(ranges, [
      [3, 3, 1],
      [8, 8, 1],
    ]);
    await spool.close();
  });

  it('begins a new epoch when the newest segment is gone, even if no cursor ever moved', async () => {
    const disk = await filled();
    const newest = disk.paths('segment-').at(-1) ?? '';
    disk.overwrite(newest, undefined);
    const spool = await open({ ...OPTIONS, fileSystem: disk });
    assert.ok(spool.events.some(({ event }) => event === 'epoch changed'));
    await spool.close();
  });
});
