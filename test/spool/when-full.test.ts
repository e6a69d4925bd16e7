import assert from 'node:assert/strict';
import { diskFileSystem } from '../../src/spool/file-system.ts';
import { Receiver } from './support/reference.ts';
import { SimulatedDisk } from './support/simulated-disk.ts';
import { draft, gaps, ofKind, open, readAll, until, values } from './support/spool-fixture.ts';

const MAX_BYTES = 128 * 1024;
const OPTIONS = { directory: '/spool', maxBytes: MAX_BYTES };
const PADDING = 'x'.repeat(800);
const telemetry = (value: number) => draft('press', value, ['cloud'], PADDING);

describe('a full class of the spool that blocks', () => {
  it('takes what there is no room for as soon as there is, in order, without a hole and without a gap record', async () => {
    const fileSystem = new SimulatedDisk();
    const spool = await open({ ...OPTIONS, fileSystem, whenFull: 'block' });
    const all = Array.from({ length: 300 }, (_, index) => index + 1);
    let resolved = 0;
    const appended = all.map(async (value) => {
      await spool.append([telemetry(value)]);
      resolved += 1;
    });
    await until(() => resolved > 0);
    await new Promise((resolve) => setTimeout(resolve, 150));
    assert.ok(resolved < 200, `${resolved} of 300 had room`);
    assert.ok(fileSystem.bytes <= MAX_BYTES);
    const received: unknown[] = [];
    while (received.length < all.length) {
      const stored = await spool.reader('cloud').read(1 << 20, AbortSignal.timeout(5_000));
      assert.deepEqual(gaps(stored), []);
      received.push(...values(stored));
      spool.reader('cloud').acknowledge(stored.at(-1) ?? assert.fail());
    }
    await Promise.all(appended);
    assert.deepEqual(received, all);
    await spool.close();
  });

  it('drops the newest once memory is full, too, and says so exactly; other classes are not held up', async () => {
    const spool = await open({ ...OPTIONS, fileSystem: new SimulatedDisk(), whenFull: 'block', maxWaitingBytes: 20_000 });
    const appended = Array.from({ length: 300 }, (_, index) => spool.append([telemetry(index + 1)]));
    await spool.append([ofKind('event', draft('press', 1_000))]);
    const reader = spool.reader('cloud');
    const receiver = new Receiver();
    let kept = 0;
    let declared = 0;
    while (kept + declared < 301) {
      const stored = await reader.read(1 << 20, AbortSignal.timeout(12_000));
      receiver.take(stored);
      kept += values(stored).length;
      declared += gaps(stored).reduce((sum, { messages }) => sum + messages, 0);
      reader.acknowledge(stored.at(-1) ?? assert.fail());
    }
    await Promise.all(appended);
    assert.deepEqual(receiver.unexplained(), []);
    assert.ok(receiver.values().includes(1_000) && receiver.values().includes(1));
    assert.ok(declared > 0, 'something was dropped');
    await spool.close();
  }).timeout(30_000);

  for (const twins of [1, 40])
    it(`declares at its close what it could not keep, of ${twins} twins, however much that is`, async () => {
      const fileSystem = new SimulatedDisk();
      const spool = await open({ ...OPTIONS, fileSystem, whenFull: 'block' });
      const twin = (value: number) => `press-${value % twins}-${'of-a-long-name'.repeat(5)}`;
      const drafts = Array.from({ length: 600 }, (_, index) => draft(twin(index), index + 1, ['cloud'], PADDING));
      const appended = drafts.map((one) => spool.append([one]));
      await until(() => spool.status().classes.telemetry.isBlocked);
      await spool.close();
      await Promise.all(appended);
      const again = await open({ ...OPTIONS, fileSystem, whenFull: 'block' });
      const received = new Set<unknown>();
      let declared = 0;
      while (received.size + declared < drafts.length) {
        const stored = await again.reader('cloud').read(1 << 20, AbortSignal.timeout(5_000));
        for (const value of values(stored)) received.add(value);
        declared += gaps(stored).reduce((sum, { messages }) => sum + messages, 0);
      }
      assert.equal(received.size + declared, drafts.length);
      assert.ok(declared > 0);
      await again.close();
    });
});

describe('a spool on a disk that has little space left', () => {
  const keepFreeBytes = 500_000;

  it('does not grow below the floor, keeps what it has, and goes on when there is space again', async () => {
    let nowMs = 0;
    const fileSystem = new SimulatedDisk();
    fileSystem.capacityBytes = keepFreeBytes + 60_000;
    const spool = await open({ ...OPTIONS, fileSystem, keepFreeBytes, monotonicMs: () => nowMs });
    const append = async (from: number, count: number) => {
      for (let value = from; value < from + count; value += 1) {
        nowMs += 1_000;
        await spool.append([telemetry(value)]);
      }
    };
    await append(1, 200);
    const { isDiskLow, bytes, counters } = spool.status();
    assert.ok(isDiskLow);
    assert.ok(bytes > 50_000 && bytes < 80_000, `${bytes} bytes`);
    assert.ok((counters.dropped_messages ?? 0) > 50);
    fileSystem.capacityBytes = 10_000_000;
    await append(201, 60);
    assert.equal(spool.status().isDiskLow, false);
    assert.ok(spool.status().bytes > bytes + 30_000);
    assert.deepEqual(
      spool.events.map(({ event }) => event).filter((event) => event.startsWith('disk')),
      ['disk space low', 'disk space recovered'],
    );
    const receiver = new Receiver();
    const stored = await readAll(spool.reader('cloud'), 10);
    receiver.take(stored);
    assert.deepEqual(receiver.unexplained(), []);
    assert.equal(receiver.declaredCount(), receiver.missingCount());
    await spool.close();
  });

  it('looks once a second at most, and never without a floor', async () => {
    const fileSystem = new SimulatedDisk();
    let looks = 0;
    fileSystem.freeBytes = async () => {
      looks += 1;
      return 1;
    };
    const without = await open({ ...OPTIONS, fileSystem });
    await without.append([telemetry(1)]);
    await without.close();
    assert.equal(looks, 0);
    let nowMs = 0;
    const spool = await open({ ...OPTIONS, fileSystem, keepFreeBytes, monotonicMs: () => nowMs });
    for (let value = 2; value < 12; value += 1) {
      nowMs += 100;
      await spool.append([telemetry(value)]);
    }
    await spool.close();
    assert.ok(looks >= 1 && looks <= 2, `${looks} looks`);
  });

  it('asks the real disk', async () => {
    const freeBytes = await diskFileSystem.freeBytes('/tmp');
    assert.ok(freeBytes > 0 && Number.isSafeInteger(freeBytes));
  });
});
