import assert from 'node:assert/strict';
import { proveSpool } from '../../src/spool/spool-proof.ts';
import { viewSpool } from '../../src/spool/spool-view.ts';
import { Receiver } from './support/reference.ts';
import { PowerCut, SimulatedDisk } from './support/simulated-disk.ts';
import { draft, gaps, type OpenOptions, open, readAll, values } from './support/spool-fixture.ts';

const MAX_BYTES = 128 * 1024;
const KEY = Buffer.from('a key');
const PADDING = 'x'.repeat(800);
const OPTIONS = { directory: '/spool', maxBytes: MAX_BYTES, whenFull: 'thin' } as const;

async function fill(options: Omit<OpenOptions, 'directory'>, from: number, count: number): Promise<void> {
  const spool = await open({ ...OPTIONS, ...options });
  for (let value = from; value < from + count; value += 5) {
    await spool.append([0, 1, 2, 3, 4].map((n) => draft(`press-${n % 2}`, value + n, ['cloud'], PADDING)));
  }
  await spool.close();
}

/** Numbers that came and numbers that are declared are all there are; returns what came, oldest first. */
async function receive(options: Omit<OpenOptions, 'directory'>, appended: number) {
  const spool = await open({ ...OPTIONS, ...options });
  const stored = await readAll(spool.reader('cloud'), 10);
  const receiver = new Receiver();
  receiver.take(stored);
  assert.deepEqual(receiver.unexplained(), []);
  const received = (values(stored) as number[]).toSorted((a, b) => a - b);
  // Gap records that were dropped are among the missing, and are declared, too.
  assert.equal(receiver.declaredCount(), receiver.missingCount(), 'to the message');
  assert.ok(received.length + receiver.missingCount() >= appended);
  await spool.close();
  return { received, reasons: new Set(gaps(stored).map(({ reason }) => reason)), events: spool.events };
}

describe('a full class of the spool that is thinned', () => {
  for (const [name, more] of Object.entries({ plainly: {}, 'compressed and encrypted': { keys: [KEY] } })) {
    it(`keeps one of two of the oldest, all of the newest, and declares the others exactly, ${name}`, async () => {
      const fileSystem = new SimulatedDisk();
      await fill({ ...more, fileSystem }, 0, 160);
      assert.ok(fileSystem.bytes <= MAX_BYTES);
      const { received, reasons } = await receive({ ...more, fileSystem }, 160);
      assert.deepEqual([...reasons], ['thinned']);
      assert.ok((received[0] ?? 99) < 2, 'the oldest is there');
      assert.deepEqual(
        received.slice(-20),
        Array.from({ length: 20 }, (_, index) => 140 + index),
      );
      const ofOldest = received.filter((value) => value < 20).length;
      assert.ok(ofOldest >= 5 && ofOldest <= 12, `${ofOldest} of the oldest 20`);
    });
  }

  it('thins again what was thinned, evenly, and drops the oldest only where that gives nothing back any more', async () => {
    const [fileSystem, maxBytes] = [new SimulatedDisk(), 4 * MAX_BYTES];
    await fill({ fileSystem, maxBytes }, 0, 1_500);
    const { received, reasons } = await receive({ fileSystem, maxBytes }, 1_500);
    assert.ok(fileSystem.bytes <= maxBytes);
    assert.deepEqual([...reasons], ['thinned']);
    assert.ok((received[0] ?? 999) < 2, `the oldest is ${received[0]}, though a third has room`);
    await fill({ fileSystem, maxBytes }, 1_500, 2_500);
    const later = await receive({ fileSystem, maxBytes }, 4_000);
    assert.ok(fileSystem.bytes <= maxBytes);
    assert.ok(later.reasons.has('overflow'));
  }).timeout(20_000);

  it('is sound from outside, and opens without a look at what was thinned', async () => {
    const fileSystem = new SimulatedDisk();
    await fill({ fileSystem }, 0, 200);
    const { isSound, logs } = await proveSpool(await viewSpool({ directory: '/spool', fileSystem, keys: [] }));
    assert.equal(isSound, true, JSON.stringify(logs));
    const spool = await open({ ...OPTIONS, fileSystem });
    await spool.append([draft('press-0', 200)]);
    assert.equal(spool.status().counters.damaged_messages, 0);
    assert.equal(spool.status().counters.gap_messages, 0);
    await spool.close();
  });

  it('goes on for a reader in the middle of what is thinned', async () => {
    const fileSystem = new SimulatedDisk();
    const spool = await open({ ...OPTIONS, fileSystem });
    const receiver = new Receiver();
    for (let value = 0; value < 400; value += 5) {
      await spool.append([0, 1, 2, 3, 4].map((n) => draft('press', value + n, ['cloud'], PADDING)));
      if (value % 20 === 0) receiver.take(await spool.reader('cloud').read(1, AbortSignal.timeout(1_000)));
    }
    receiver.take(await readAll(spool.reader('cloud'), 10));
    assert.deepEqual(receiver.unexplained(), []);
    assert.ok((spool.status().counters.thinned_messages ?? 0) > 50);
    await spool.close();
  });

  it('goes on thinning after the disk failed at any step of it', async () => {
    const base = new SimulatedDisk();
    await fill({ fileSystem: base }, 0, 140);
    const failAt = async (operation: number) => {
      const disk = base.fork();
      disk.onOperation = (count) => {
        if (count === operation) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
      };
      const spool = await open({ ...OPTIONS, fileSystem: disk });
      for (let value = 140; value < 160; value += 5) {
        await spool.append([0, 1, 2, 3, 4].map((n) => draft(`press-${n % 2}`, value + n, ['cloud'], PADDING)));
      }
      assert.ok((spool.status().counters.thinned_messages ?? 0) > 0, `operation ${operation}`);
      const stored = await readAll(spool.reader('cloud'), 10);
      const receiver = new Receiver();
      receiver.take(stored);
      assert.deepEqual(receiver.unexplained(), [], `operation ${operation}`);
      await spool.close();
    };
    await Promise.all(Array.from({ length: 40 }, (_, index) => failAt(index + 1)));
  }).timeout(30_000);

  it('loses nothing unsaid whenever the power goes', async () => {
    const base = new SimulatedDisk();
    await fill({ fileSystem: base }, 0, 140);
    const cutAt = async (operation: number): Promise<boolean> => {
      const disk = base.fork();
      let isCut = false;
      disk.onOperation = (count) => {
        isCut ||= count === operation;
        if (isCut) throw new PowerCut('now');
      };
      const spool = await open({ ...OPTIONS, fileSystem: disk }).catch(() => undefined);
      const appended = [0, 1, 2, 3, 4].map((n) => draft(`press-${n % 2}`, 140 + n, ['cloud'], PADDING));
      await Promise.race([spool?.append(appended), new Promise((resolve) => setTimeout(resolve, 20))]);
      const after = disk.cutPower();
      await spool?.close();
      const again = await open({ ...OPTIONS, fileSystem: after });
      const stored = await readAll(again.reader('cloud'), 10);
      const receiver = new Receiver();
      receiver.take(stored);
      assert.deepEqual(receiver.unexplained(), [], `operation ${operation}`);
      assert.deepEqual(
        [...new Set(gaps(stored).map(({ reason }) => reason))].filter((reason) => reason !== 'thinned'),
        [],
      );
      const declared = gaps(stored).reduce((sum, { messages }) => sum + messages, 0);
      const committed = values(stored).filter((value) => Number(value) < 140).length;
      assert.ok(committed + declared >= 140, `operation ${operation}: ${committed} came, ${declared} are declared`);
      assert.ok(after.paths('.new').length === 0, 'nothing is left over');
      await again.close();
      return isCut;
    };
    let operation = 1;
    while (await cutAt(operation)) operation += 1;
    assert.ok(operation > 5, `${operation} operations`);
  }).timeout(30_000);
});
