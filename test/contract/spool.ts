import assert from 'node:assert/strict';
import type { Stored, TwinMessage } from '../../src/model/twin-message.ts';
import type { Draft, Spool, SpoolReader } from '../../src/spool/spool.ts';

/** Opens a spool for the hubs `cloud` and `historian`; again on the same place when called again. */
export interface SpoolUnderTest {
  open(): Promise<Spool>;
  remove(): Promise<void>;
}

const NEVER = new AbortController().signal;

function draft(twin: string, value: number, hubs: readonly string[]): Draft {
  const message: TwinMessage = { twin, kind: 'telemetry', startTimeMs: 1_000 + value, values: { speed: [[0, value]] } };
  return { message, hubs };
}

async function readCount(reader: SpoolReader, count: number, maxBytes = 1 << 20): Promise<readonly Stored[]> {
  const all: Stored[] = [];
  while (all.length < count) all.push(...(await reader.read(maxBytes, NEVER)));
  return all;
}

function told(stored: readonly Stored[]): readonly string[] {
  return stored.map(({ sequence, message }) => `${message.twin} ${sequence} ${message.values.speed?.[0]?.[1]}`);
}

/** What every spool promises. */
export function describeSpool(name: string, make: () => Promise<SpoolUnderTest>): void {
  describe(`${name} as a spool`, () => {
    let place: SpoolUnderTest;
    let spool: Spool;

    beforeEach(async () => {
      place = await make();
      spool = await place.open();
    });

    afterEach(async () => {
      await spool.close();
      await place.remove();
    });

    it('hands out what was appended, in order, numbered without gaps for each twin', async () => {
      await spool.append([draft('press', 1, ['cloud']), draft('meter', 2, ['cloud'])]);
      await spool.append([draft('press', 3, ['cloud'])]);
      assert.deepEqual(told(await readCount(spool.reader('cloud'), 3)), ['press 1 1', 'meter 1 2', 'press 2 3']);
    });

    it('numbers each hub by itself and gives it only what is for it', async () => {
      await spool.append([draft('press', 1, ['cloud']), draft('press', 2, ['cloud', 'historian'])]);
      assert.deepEqual(told(await readCount(spool.reader('historian'), 1)), ['press 1 2']);
      assert.deepEqual(told(await readCount(spool.reader('cloud'), 2)), ['press 1 1', 'press 2 2']);
    });

    it('keeps the order of calls that do not wait for each other', async () => {
      await Promise.all([1, 2, 3, 4, 5].map((value) => spool.append([draft('press', value, ['cloud'])])));
      const stored = await readCount(spool.reader('cloud'), 5);
      assert.deepEqual(told(stored), ['press 1 1', 'press 2 2', 'press 3 3', 'press 4 4', 'press 5 5']);
    });

    it('waits for the next message', async () => {
      const reading = spool.reader('cloud').read(1_000, NEVER);
      await spool.append([draft('press', 1, ['cloud'])]);
      assert.deepEqual(told(await reading), ['press 1 1']);
    });

    it('rejects a read with the reason of its signal and loses nothing by it', async () => {
      const abort = new AbortController();
      const reading = spool.reader('cloud').read(1_000, abort.signal);
      abort.abort(new Error('hub is gone'));
      await assert.rejects(reading, { message: 'hub is gone' });
      await spool.append([draft('press', 1, ['cloud'])]);
      assert.deepEqual(told(await readCount(spool.reader('cloud'), 1)), ['press 1 1']);
    });

    it('hands out about as many bytes as asked for, one message at least', async () => {
      await spool.append([1, 2, 3].map((value) => draft('press', value, ['cloud'])));
      assert.equal((await spool.reader('cloud').read(1, NEVER)).length, 1);
      assert.equal((await spool.reader('cloud').read(1 << 20, NEVER)).length, 2);
    });

    it('begins again at the first message not acknowledged after a rewind', async () => {
      await spool.append([1, 2, 3].map((value) => draft('press', value, ['cloud'])));
      const reader = spool.reader('cloud');
      const [first] = await readCount(reader, 3);
      reader.acknowledge(first ?? assert.fail());
      reader.rewind();
      assert.deepEqual(told(await readCount(reader, 2)), ['press 2 2', 'press 3 3']);
    });

    it('goes on after a restart where the hub had acknowledged, with the next numbers and the same epoch', async () => {
      await spool.append([1, 2, 3].map((value) => draft('press', value, ['cloud', 'historian'])));
      const [first, second] = await readCount(spool.reader('cloud'), 3);
      spool.reader('cloud').acknowledge(second ?? assert.fail());
      await spool.close();
      spool = await place.open();
      await spool.append([draft('press', 4, ['cloud'])]);
      const stored = await readCount(spool.reader('cloud'), 2);
      assert.deepEqual(told(stored), ['press 3 3', 'press 4 4']);
      assert.equal(stored[0]?.epoch, first?.epoch);
      assert.equal((await readCount(spool.reader('historian'), 3)).length, 3);
    });

    it('hands out new messages at once and what waited beside them, live first', async () => {
      await spool.append([1, 2, 3].map((value) => draft('press', value, ['cloud'])));
      const reader = spool.reader('cloud');
      reader.rewind();
      const lanes = reader.liveFirst(2);
      assert.ok(lanes);
      await spool.append([draft('press', 4, ['cloud'])]);
      assert.deepEqual(told(await lanes.live.read(1_000, NEVER)), ['press 4 4']);
      assert.deepEqual(told(await lanes.history.read(1, NEVER)), ['press 1 1']);
      assert.deepEqual(told(await lanes.history.read(1_000, NEVER)), ['press 2 2', 'press 3 3']);
      assert.deepEqual(await lanes.history.read(1_000, NEVER), []);
    });

    it('goes on in order, live first too, where no more waits than is allowed', async () => {
      await spool.append([1, 2].map((value) => draft('press', value, ['cloud'])));
      const reader = spool.reader('cloud');
      reader.rewind();
      assert.equal(reader.liveFirst(2), undefined);
      assert.deepEqual(told(await readCount(reader, 2)), ['press 1 1', 'press 2 2']);
    });

    it('keeps over a restart what was acknowledged live, before what waited', async () => {
      await spool.append([1, 2, 3].map((value) => draft('press', value, ['cloud'])));
      const reader = spool.reader('cloud');
      const lanes = reader.liveFirst(0);
      assert.ok(lanes);
      await spool.append([4, 5].map((value) => draft('press', value, ['cloud'])));
      const [, fifth] = await lanes.live.read(1_000, NEVER);
      lanes.live.acknowledge(fifth ?? assert.fail());
      const [first] = await lanes.history.read(1, NEVER);
      lanes.history.acknowledge(first ?? assert.fail());
      assert.equal(spool.status().hubs.cloud?.waitingMessages, 2);
      await spool.close();
      spool = await place.open();
      assert.equal(spool.status().hubs.cloud?.waitingMessages, 2);
      await spool.append([draft('press', 6, ['cloud'])]);
      assert.deepEqual(told(await readCount(spool.reader('cloud'), 3)), ['press 2 2', 'press 3 3', 'press 6 6']);
    });

    it('takes no acknowledgement of a lane that is over', async () => {
      await spool.append([1, 2].map((value) => draft('press', value, ['cloud'])));
      const reader = spool.reader('cloud');
      const lanes = reader.liveFirst(0);
      assert.ok(lanes);
      await spool.append([draft('press', 3, ['cloud'])]);
      const [third] = await lanes.live.read(1_000, NEVER);
      reader.rewind();
      lanes.live.acknowledge(third ?? assert.fail());
      assert.deepEqual(told(await readCount(reader, 3)), ['press 1 1', 'press 2 2', 'press 3 3']);
    });

    it('never moves a cursor backwards', async () => {
      await spool.append([1, 2, 3].map((value) => draft('press', value, ['cloud'])));
      const reader = spool.reader('cloud');
      const [first, second] = await readCount(reader, 3);
      reader.acknowledge(second ?? assert.fail());
      reader.acknowledge(first ?? assert.fail());
      reader.rewind();
      assert.deepEqual(told(await readCount(reader, 1)), ['press 3 3']);
    });

    it('declares a message that the hub will never take', async () => {
      await spool.append([draft('press', 1, ['cloud', 'historian'])]);
      const reader = spool.reader('cloud');
      const [stored] = await readCount(reader, 1);
      assert.ok(stored);
      await reader.reject(stored, 'rejected');
      reader.acknowledge(stored);
      const [gap] = await readCount(reader, 1);
      assert.equal(gap?.sequence, 2);
      const { fromTimeMs, toTimeMs, ...facts } = gap?.message.gap ?? { fromTimeMs: 0, toTimeMs: 0 };
      assert.deepEqual([fromTimeMs, toTimeMs], [1_001, 1_001]);
      const expected = { reason: 'rejected', fromSequence: 1, toSequence: 1, messages: 1, readings: 1, points: ['speed'] };
      assert.deepEqual(facts, expected);
      assert.equal(spool.status().hubs.historian?.waitingMessages, 1);
    });

    it('counts what waits for each hub', async () => {
      await spool.append([1, 2, 3].map((value) => draft('press', value, ['cloud'])));
      assert.equal(spool.status().hubs.cloud?.waitingMessages, 3);
      assert.equal(spool.status().hubs.historian?.waitingMessages, 0);
      const stored = await readCount(spool.reader('cloud'), 3);
      spool.reader('cloud').acknowledge(stored[1] ?? assert.fail());
      assert.equal(spool.status().hubs.cloud?.waitingMessages, 1);
    });

    it('refuses to append once it is closed, and closes twice without harm', async () => {
      await spool.close();
      await spool.close();
      await assert.rejects(spool.append([draft('press', 1, ['cloud'])]), { code: 'SPOOL_WRITE' });
    });

    it('brings a waiting read to an end when it is closed', async () => {
      const reading = spool.reader('cloud').read(1_000, NEVER);
      const rejected = assert.rejects(reading, { code: 'SPOOL_WRITE' });
      await spool.close();
      await rejected;
    });
  });
}
