import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DrainPlan } from '../../src/model/plan.ts';
import { type Forwarding, startForwarding } from '../../src/northbound/forwarder.ts';
import { createMqttHub } from '../../src/northbound/mqtt-hub.ts';
import { DeliveryBook } from '../../src/receiver/delivery-book.ts';
import { parseMessage } from '../../src/receiver/received-message.ts';
import { type Clock, systemClock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';
import type { File, FileSystem } from '../../src/spool/file-system.ts';
import { openSpool } from '../../src/spool/open-spool.ts';
import type { Spool } from '../../src/spool/spool.ts';
import { SimulatedDisk } from '../spool/support/simulated-disk.ts';
import { fail } from '../spool/support/spool-fixture.ts';
import { fastClock } from '../support/fast-clock.ts';
import { telemetry } from '../support/recorded-spool-reader.ts';
import { SinkBroker } from '../support/sink-broker.ts';
import { mqttDialect } from './plant.ts';

interface StartOptions {
  readonly fileSystem?: FileSystem;
  readonly clock?: Clock;
  readonly limits?: Readonly<Record<string, number>>;
}

class SlowDisk extends SimulatedDisk {
  readMs = 0;

  override async open(...args: Parameters<SimulatedDisk['open']>): Promise<File> {
    const file = await super.open(...args);
    return {
      ...file,
      read: async (into, position) => {
        await new Promise((resolve) => setTimeout(resolve, this.readMs));
        return file.read(into, position);
      },
    };
  }
}

describe('forwarder on the spool on disk', () => {
  let broker: SinkBroker;
  let spool: Spool;
  let forwarding: Forwarding;
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'forwarder-'));
    broker = await SinkBroker.start();
    await start();
  });

  afterEach(async () => {
    await stop(0);
    await broker.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const start = async (
    drain: DrainPlan = { order: 'in-order' },
    { clock = systemClock, fileSystem, ...settings }: StartOptions = {},
  ) => {
    const limits = { maxBytes: 8 * 2 ** 20, maxAgeMs: 86_400_000, commitWindowMs: 5 } as const;
    spool = await openSpool({ directory, ...limits, ...(fileSystem && { fileSystem }), hubs: ['cloud'], onEvent: () => {} });
    const dialect = mqttDialect({ url: broker.url, acknowledgeTimeout: '1 s', window: 10, ...settings });
    forwarding = startForwarding({
      hub: createMqttHub('cloud', dialect, systemClock),
      reader: spool.reader('cloud'),
      drain,
      gateway: 'gw-01',
      clock,
      log: silentLog,
      backOff: { firstMs: 5, maxMs: 20, resetAfterMs: 60_000 },
      execute: async ({ id, device }) => ({ id, device, status: 'done', points: {} }),
    });
  };

  const stop = async (drainMs: number) => {
    await forwarding.stop(drainMs);
    await spool.close();
  };

  const append = async (first: number, count: number, timeMs?: number) => {
    const values = Array.from({ length: count }, (_, index) => first + index);
    await spool.append(values.map((value) => ({ message: telemetry('press-07', value, timeMs), hubs: ['cloud'] })));
  };
  const sequences = () => [...new Set(broker.messages.map(({ seq }) => Number(seq)))];

  it('delivers everything in order through cuts and a restart, and nothing again that was acknowledged', async () => {
    broker.script = { answer: (_, index) => (index % 61 === 60 ? 'cut' : 'acknowledge') };
    await append(1, 200);
    await until(() => spool.status().hubs.cloud?.waitingMessages === 0);
    await stop(1_000);
    const before = broker.messages.length;
    await start();
    await append(201, 50);
    await until(() => spool.status().hubs.cloud?.waitingMessages === 0);
    assert.deepEqual(
      sequences(),
      Array.from({ length: 250 }, (_, index) => index + 1),
    );
    const again = broker.messages.slice(before).filter(({ seq }) => Number(seq) <= 200);
    assert.deepEqual(again, []);
  });

  const restart = async (drain: DrainPlan) => {
    await stop(0);
    await start(drain);
  };
  const waitsFor = (count: number) => until(() => spool.status().hubs.cloud?.waitingMessages === count);
  const isHistory = ({ history }: Readonly<Record<string, unknown>>) => history === true;
  const judge = () => {
    const book = new DeliveryBook({ fromFirst: true });
    for (const each of broker.messages) {
      const parsed = parseMessage(JSON.stringify(each));
      if (parsed !== undefined) book.take(parsed);
    }
    return book.report();
  };

  it('sends what is new at once and what waited beside it, marked as history, no faster than was said', async () => {
    await stop(0);
    await broker.stop();
    await start();
    await append(1, 300);
    broker = await SinkBroker.start();
    await restart({ order: 'live-first', historyPerSecond: 400 });
    await until(() => broker.messages.some(isHistory));
    const startedMs = performance.now();
    await append(301, 5, Date.now());
    await until(() => broker.messages.some(({ seq }) => seq === 305));
    assert.ok(broker.messages.length < 250, 'history waits for its turn');
    await waitsFor(0);
    // A quarter of a second may go at once.
    assert.ok(performance.now() - startedMs > 300, `${performance.now() - startedMs} ms`);
    const live = broker.messages.filter((message) => !isHistory(message) && 'seq' in message);
    assert.deepEqual(
      live.map(({ seq }) => seq),
      [301, 302, 303, 304, 305],
    );
    const [stream] = judge().streams;
    assert.deepEqual([stream?.messages, stream?.duplicates, stream?.overtaken], [305, 0, 0]);
    assert.ok((stream?.behindLive ?? 0) > 50);
    assert.equal(forwarding.status().counters.history_messages, 300);
  });

  it('keeps places free of history, so that what is new is sent though nothing of it is acknowledged', async () => {
    broker.script = { answer: ({ retain }) => (retain ? 'acknowledge' : 'later') };
    await stop(0);
    await start();
    await append(1, 300);
    await restart({ order: 'live-first' });
    await until(() => broker.messages.filter(isHistory).length >= 7);
    await append(301, 1, Date.now());
    await until(() => broker.messages.some(({ seq }) => seq === 301));
    assert.equal(forwarding.status().inFlight, 8);
    broker.script = {};
    broker.release();
    await waitsFor(0);
  });

  it('sends what is new first once a daily quota is there again', async () => {
    let passedMs = 0;
    /** Long waits are over at once. */
    const clock: Clock = {
      nowMs: () => Date.now() + passedMs,
      monotonicMs: () => performance.now() + passedMs,
      sleep: async (ms, signal) => {
        if (ms < 10_000) return systemClock.sleep(ms, signal);
        passedMs += ms;
      },
    };
    await stop(0);
    await start({ order: 'live-first', historyPerSecond: 150 }, { clock, limits: { messagesPerDay: 160 } });
    await append(1, 1, Date.now());
    await waitsFor(0);
    await append(2, 399, Date.now());
    await until(() => broker.messages.some(isHistory));
    await append(401, 1, clock.nowMs());
    await waitsFor(0);
    const order = sequences();
    assert.ok(order.indexOf(401) < order.indexOf(400), 'the new one went first');
    assert.equal(judge().isComplete, true);
  });

  it('is complete, each lane in order, whatever is cut and restarted, live first', async () => {
    broker.script = { answer: (_, index) => (index % 97 === 96 ? 'cut' : 'acknowledge') };
    for (let outage = 0; outage < 4; outage += 1) {
      await restart({ order: 'live-first', historyPerSecond: 2_000 });
      await append(1 + 300 * outage, 200);
      await restart({ order: 'live-first' });
      for (let more = 0; more < 100; more += 10) await append(201 + 300 * outage + more, 10, Date.now());
    }
    await waitsFor(0);
    const report = judge();
    assert.equal(report.isComplete, true);
    assert.equal(report.streams[0]?.messages, 1_200);
    assert.deepEqual(broker.violations, []);
  });

  it('does not let a message wait for ever that was throttled while nothing new came', async () => {
    let refused = 0;
    broker.script = {
      answer: ({ retain }) => {
        refused += retain ? 0 : 1;
        return !retain && refused === 1 ? { reasonCode: 0x97 } : 'acknowledge';
      },
    };
    await append(1, 1);
    await waitsFor(0);
    assert.equal(forwarding.status().counters.throttled_messages, 1);
  });

  it('tells a rejected message in a gap record', async () => {
    broker.script = { answer: ({ payload }) => (payload.includes('"seq":3,') ? { reasonCode: 0x99 } : 'acknowledge') };
    await append(1, 5);
    await until(() => broker.messages.some(({ schema }) => schema === 'gw.gap/1'));
    const gap = broker.messages.find(({ schema }) => schema === 'gw.gap/1')?.gap as Record<string, unknown>;
    assert.deepEqual([gap.fromSeq, gap.toSeq, gap.messages], [3, 3, 1]);
  });

  for (const order of ['in-order', 'live-first'] as const) {
    it(`tells in gap records what a hub hangs up at, and is complete beside it, over a restart, ${order}`, async () => {
      await stop(0);
      const clock = fastClock(500);
      broker.script = { answer: ({ payload }) => (/"seq":(3|70|110),/.test(payload.toString()) ? 'cut' : 'acknowledge') };
      await start({ order }, { clock });
      await append(1, 60);
      await until(() => forwarding.status().heldBack === 1 && broker.messages.some(({ seq }) => seq === 60));
      await stop(0);
      await start({ order }, { clock });
      let next = 61;
      while (forwarding.status().counters.rejected_messages !== 3) {
        await append(next, 1, Date.now());
        next += 1;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await waitsFor(0);
      const gaps = broker.messages.flatMap(({ gap }) => (gap === undefined ? [] : [(gap as { fromSeq: number }).fromSeq]));
      assert.deepEqual(
        gaps.toSorted((a, b) => a - b),
        [3, 70, 110],
      );
      assert.equal(judge().isComplete, true);
    });
  }

  it('takes what waits for drained only when a look has found nothing, however long the disk takes for it', async () => {
    await stop(0);
    const disk = new SlowDisk();
    await start({ order: 'in-order' }, { fileSystem: disk });
    await append(1, 1);
    await until(() => spool.status().hubs.cloud?.waitingMessages === 0);
    disk.readMs = 300;
    await append(2, 2);
    await stop(5_000);
    assert.deepEqual(sequences(), [1, 2, 3]);
  });

  it('stops although the disk does not take the gap record of a rejected message', async () => {
    await stop(0);
    const disk = new SimulatedDisk();
    await start({ order: 'in-order' }, { fileSystem: disk });
    broker.script = {
      answer: ({ retain }) => {
        if (retain) return 'acknowledge';
        disk.onOperation = fail('EROFS');
        return { reasonCode: 0x99 };
      },
    };
    await append(1, 1);
    await until(() => forwarding.status().counters.rejected_messages === 1);
    await stop(50);
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
