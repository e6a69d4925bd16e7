import assert from 'node:assert/strict';
import type { Draft } from '../../src/spool/spool.ts';
import { Receiver } from './support/reference.ts';
import { SimulatedDisk } from './support/simulated-disk.ts';
import { draft, gaps, numbers, open, readAll, values } from './support/spool-fixture.ts';

const MAX_BYTES = 256 * 1024;
const PADDING = 'x'.repeat(1_000);

describe('the bounds of a spool', () => {
  const directory = '/spool';
  let fileSystem: SimulatedDisk;

  beforeEach(() => {
    fileSystem = new SimulatedDisk();
  });

  it('drops the oldest when it is full, stays within its bytes, and declares exactly what is missing', async () => {
    const spool = await open({ directory, fileSystem, maxBytes: MAX_BYTES, hubs: ['cloud', 'historian'] });
    for (let value = 0; value < 1_000; value += 10) {
      const drafts = Array.from({ length: 10 }, (_, index) =>
        draft(`press-${index % 3}`, value + index, ['cloud', 'historian'], PADDING),
      );
      await spool.append(drafts);
      assert.ok(fileSystem.bytes <= MAX_BYTES);
    }
    let missing = 0;
    for (const hub of ['cloud', 'historian']) {
      const receiver = new Receiver();
      const stored = await readAll(spool.reader(hub));
      receiver.take(stored);
      assert.ok(stored.length > 100 && stored.length < 300, `${stored.length} messages`);
      assert.deepEqual(receiver.unexplained(), []);
      assert.equal(receiver.declaredCount(), receiver.missingCount());
      missing += receiver.missingCount();
    }
    assert.equal(spool.status().counters.dropped_messages, missing, 'a gap record that was dropped counts as one');
    await spool.close();
  });

  for (const whenFull of ['drop-oldest', 'drop-newest'] as const) {
    it(`forgets nothing of what could not be measured when it is full (${whenFull})`, async () => {
      const spool = await open({ directory, fileSystem, maxBytes: MAX_BYTES, whenFull });
      const away = (atMs: number): Draft => {
        const gap = { reason: 'device-away', fromTimeMs: atMs, toTimeMs: atMs + 1, messages: 0, readings: 7, points: ['value'] };
        return { message: { twin: 'press', kind: 'gap', startTimeMs: atMs, values: {}, gap }, hubs: ['cloud'] };
      };
      for (let value = 0; value < 1_000; value += 1)
        await spool.append([draft('press', value, ['cloud'], PADDING), ...(value % 50 === 0 ? [away(value)] : [])]);
      const first = await readAll(spool.reader('cloud'));
      spool.reader('cloud').acknowledge(first.at(-1) ?? assert.fail());
      await spool.append([draft('press', 1_000)]);
      const told = gaps([...first, ...(await readAll(spool.reader('cloud')))]);
      const unmeasured = told.filter(({ reason }) => reason === 'device-away');
      assert.equal(
        unmeasured.reduce((sum, { readings }) => sum + readings, 0),
        20 * 7,
      );
      assert.ok(told.length > unmeasured.length, 'messages were dropped');
      await spool.close();
    });
  }

  it('tells only the hub that lost something', async () => {
    const spool = await open({ directory, fileSystem, maxBytes: MAX_BYTES, hubs: ['cloud', 'historian'] });
    for (let value = 0; value < 400; value += 10) {
      await spool.append(
        Array.from({ length: 10 }, (_, index) => draft('press', value + index, ['cloud', 'historian'], PADDING)),
      );
      const stored = await readAll(spool.reader('historian'), 5);
      spool.reader('historian').acknowledge(stored.at(-1) ?? assert.fail());
      assert.ok(stored.every(({ message }) => message.kind !== 'gap'));
    }
    const gaps = (await readAll(spool.reader('cloud'))).filter(({ message }) => message.kind === 'gap');
    assert.ok(gaps.length > 0);
    await spool.close();
  });

  it('refuses the newest when it is told so, without a hole in the numbers, and declares them once there is room', async () => {
    const spool = await open({ directory, fileSystem, maxBytes: MAX_BYTES, whenFull: 'drop-newest' });
    for (let value = 0; value < 400; value += 1) await spool.append([draft('press', value, ['cloud'], PADDING)]);
    const stored = await readAll(spool.reader('cloud'));
    assert.equal(numbers(stored)[0], 0);
    spool.reader('cloud').acknowledge(stored.at(-1) ?? assert.fail());
    await spool.append([draft('press', 400)]);
    await spool.append([draft('press', 401)]);
    const after = await readAll(spool.reader('cloud'));
    const all = [...stored, ...after];
    assert.deepEqual(
      all.map(({ sequence }) => sequence),
      all.map((_, index) => index + 1),
    );
    const gaps = all.flatMap(({ message }) => (message.gap === undefined ? [] : [message.gap]));
    const kept = numbers(all).filter((value) => value !== undefined).length;
    assert.equal(kept + gaps.reduce((sum, { messages }) => sum + messages, 0), 402);
    assert.ok(fileSystem.bytes <= MAX_BYTES);
    await spool.close();
  });

  it('drops and declares what is older than its bound of age', async () => {
    let nowMs = 1_767_225_600_000;
    const spool = await open({ directory, fileSystem, maxAgeMs: 3_200, monotonicMs: () => nowMs });
    await spool.append([draft('press', 1), draft('press', 2)]);
    nowMs += 1_000;
    await spool.append([draft('press', 3)]);
    nowMs += 3_500;
    await spool.append([draft('press', 4)]);
    const stored = await readAll(spool.reader('cloud'));
    assert.deepEqual(
      numbers(stored).filter((value) => value !== undefined),
      [3, 4],
    );
    const gap = stored.find(({ message }) => message.kind === 'gap')?.message.gap;
    const { reason, fromSequence, toSequence, messages, readings } = gap ?? {};
    assert.deepEqual(
      { reason, fromSequence, toSequence, messages, readings },
      {
        ...{ reason: 'expired', fromSequence: 1, toSequence: 2, messages: 2, readings: 2 },
      },
    );
    await spool.close();
  });

  it('declares a message that is too large, with the names of its points', async () => {
    const spool = await open({ directory, fileSystem, maxBytes: MAX_BYTES });
    await spool.append([draft('press', 1, ['cloud'], 'x'.repeat(20_000)), draft('press', 2)]);
    await spool.append([draft('press', 3)]);
    const stored = await readAll(spool.reader('cloud'));
    const gap = stored.find(({ message }) => message.kind === 'gap')?.message.gap;
    assert.deepEqual([gap?.reason, gap?.messages, gap?.readings, gap?.points], ['too-large', 1, 2, ['value', 'padding']]);
    assert.deepEqual(
      numbers(stored).filter((value) => value !== undefined),
      [2, 3],
    );
    await spool.close();
  });

  it('gives the disk back when everything is acknowledged, and keeps the numbers', async () => {
    const spool = await open({ directory, fileSystem, maxBytes: MAX_BYTES });
    for (let value = 0; value < 100; value += 10) {
      await spool.append(Array.from({ length: 10 }, (_, index) => draft('press', value + index, ['cloud'], PADDING)));
    }
    const stored = await readAll(spool.reader('cloud'));
    spool.reader('cloud').acknowledge(stored.at(-1) ?? assert.fail());
    await spool.close();
    const names = fileSystem.paths('telemetry/segment-');
    assert.equal(names.length, 1);
    const again = await open({ directory, fileSystem, maxBytes: MAX_BYTES });
    await again.append([draft('press', 100)]);
    const [next] = await readAll(again.reader('cloud'));
    assert.equal(next?.sequence, 101);
    assert.equal(next?.epoch, stored[0]?.epoch);
    await again.close();
  });

  it('is not held up by a hub that nothing was addressed to', async () => {
    const spool = await open({ directory, fileSystem, maxBytes: MAX_BYTES, hubs: ['cloud', 'silent'] });
    for (let value = 0; value < 1_000; value += 10) {
      await spool.append(Array.from({ length: 10 }, (_, index) => draft('press', value + index, ['cloud'], PADDING)));
      const stored = await readAll(spool.reader('cloud'), 2);
      spool.reader('cloud').acknowledge(stored.at(-1) ?? assert.fail());
    }
    assert.equal(spool.status().counters.dropped_messages, 0);
    await spool.close();
  });

  it('keeps everything for a hub that lags behind, and frees it once it has caught up', async () => {
    const spool = await open({ directory, fileSystem, maxBytes: MAX_BYTES, hubs: ['cloud', 'historian'] });
    for (let value = 0; value < 100; value += 10) {
      await spool.append(
        Array.from({ length: 10 }, (_, index) => draft('press', value + index, ['cloud', 'historian'], PADDING)),
      );
    }
    const fast = await readAll(spool.reader('cloud'));
    spool.reader('cloud').acknowledge(fast.at(-1) ?? assert.fail());
    await spool.append([draft('press', 100, ['historian'])]);
    const { hubs, segments } = spool.status().classes.telemetry;
    assert.deepEqual([hubs.cloud?.waitingMessages, hubs.historian?.waitingMessages], [0, 101]);
    assert.ok(segments > 5);
    const slow = await readAll(spool.reader('historian'));
    assert.equal(values(slow).length, 101);
    spool.reader('historian').acknowledge(slow.at(-1) ?? assert.fail());
    await spool.close();
    assert.equal(spool.status().classes.telemetry.segments, 1);
  });

  it('has the statement of a message that is too large on disk before it says so', async () => {
    const spool = await open({ directory, fileSystem, maxBytes: MAX_BYTES });
    await spool.append([draft('press', 1, ['cloud'], 'x'.repeat(20_000))]);
    const after = await open({ directory, fileSystem: fileSystem.cutPower(), maxBytes: MAX_BYTES });
    assert.equal(gaps(await readAll(after.reader('cloud')))[0]?.reason, 'too-large');
    await after.close();
    await spool.close();
  });
});
