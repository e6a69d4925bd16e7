import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { Allowance } from '../../src/northbound/allowance.ts';
import { DailyQuota } from '../../src/northbound/daily-quota.ts';
import type { DeliveryLimits } from '../../src/northbound/delivery-limits.ts';
import { Pace } from '../../src/northbound/pace.ts';
import { readQuota } from '../../src/northbound/quota-file.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { HandClock, settle } from '../support/hand-clock.ts';

const NEVER = new AbortController().signal;
const HOUR_MS = 3_600_000;

describe('the pace of a hub', () => {
  it('is never above what was bought, whenever messages want to go', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), steps, (perSecond, gaps) => {
        const pace = new Pace(perSecond);
        const sent: number[] = [];
        let nowMs = 0;
        for (const gapMs of gaps) {
          nowMs += gapMs;
          nowMs += pace.take(nowMs);
          sent.push(nowMs);
        }
        for (const [index, first] of sent.entries()) {
          const within = sent.slice(index).filter((timeMs) => timeMs < first + 1_000).length;
          assert.ok(within <= perSecond + Math.max(1, perSecond / 4) + 1, `${within} in a second at ${perSecond}`);
        }
      }),
    );
  });

  it('is halved by a refusal and comes back within a while', () => {
    const pace = new Pace(100);
    pace.refused();
    pace.refused();
    assert.equal(pace.perSecond, 25);
    pace.take(0);
    pace.take(30_000);
    assert.equal(pace.perSecond, 100);
  });

  it('has no bound where none was bought', () => {
    const pace = new Pace();
    pace.refused();
    assert.equal(pace.take(0), 0);
  });
});

describe('the daily quota of a hub', () => {
  const start = Date.UTC(2026, 10, 29, 6);
  const quota = () => new DailyQuota({ messagesPerDay: 10, chunkBytes: 4_096 }, start);

  it('counts a message once for each begun chunk', () => {
    const counted = quota();
    for (const bytes of [0, 1, 4_096, 4_097, 9_000]) counted.count(bytes, start);
    assert.equal(counted.status(start).usedToday, 1 + 1 + 1 + 2 + 3);
  });

  it('is used up until midnight UTC, and full again then', () => {
    const counted = quota();
    for (let message = 0; message < 10; message += 1) counted.count(100, start);
    assert.equal(counted.waitMs(start), 18 * HOUR_MS);
    assert.equal(counted.waitMs(start + 18 * HOUR_MS), 0);
    assert.equal(counted.status(start + 18 * HOUR_MS).usedToday, 0);
  });

  it('tells when it will end, where that is today', () => {
    const counted = quota();
    counted.count(100, start + HOUR_MS);
    assert.equal(counted.status(start + HOUR_MS).endsTimeMs, start + 10 * HOUR_MS);
    assert.equal(counted.status(start + 3 * HOUR_MS).endsTimeMs, undefined);
  });

  it('goes on with its day when the clock is set back', () => {
    const counted = quota();
    counted.count(100, start);
    assert.equal(counted.status(start - 48 * HOUR_MS).usedToday, 1);
  });

  it('waits until the next midnight, and not for years, when the clock was far in the future', () => {
    const counted = quota();
    const future = start + 365 * 24 * HOUR_MS;
    for (let message = 0; message < 10; message += 1) counted.count(100, future);
    assert.equal(counted.waitMs(start), 18 * HOUR_MS);
    assert.equal(counted.waitMs(start + 18 * HOUR_MS), 0);
  });
});

describe('the allowance of a hub', () => {
  let directory: string;
  let clock: HandClock;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'allowance-'));
    clock = new HandClock(Date.UTC(2026, 10, 29, 23));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const allowance = (limits: DeliveryLimits) =>
    new Allowance({ limits, clock, log: silentLog, quotaFile: join(directory, 'quota.json') });

  it('waits until midnight when the quota is used, over a restart too', async () => {
    const limits = { quota: { messagesPerDay: 2, chunkBytes: 4_096 } };
    const before = allowance(limits);
    for (let message = 0; message < 2; message += 1) {
      await before.next(NEVER);
      before.bill(100);
    }
    await before.save();
    const after = allowance(limits);
    let isThrough = false;
    const waiting = after.next(NEVER).then(() => {
      isThrough = true;
    });
    while (clock.sleeping === 0) await settle();
    assert.deepEqual([isThrough, after.quota?.usedToday], [false, 2]);
    await clock.advance(HOUR_MS);
    await waiting;
    assert.equal(after.quota?.usedToday, 0);
  });

  it('keeps the newest count, however many are saved at once', async () => {
    const counted = allowance({ quota: { messagesPerDay: 1_000, chunkBytes: 4_096 } });
    await counted.next(NEVER);
    for (let round = 1; round <= 50; round += 1) {
      const saving = [counted.save()];
      await settle();
      for (let more = 0; more < 5; more += 1) {
        counted.bill(100);
        saving.push(counted.save());
      }
      await Promise.all(saving);
      const kept = await readQuota(join(directory, 'quota.json'));
      assert.equal(kept?.used, 5 * round);
    }
  });

  it('sees within a minute that the clock was set to another day', async () => {
    let setForwardMs = 0;
    const limits = { quota: { messagesPerDay: 1, chunkBytes: 4_096 } };
    const set: Clock = {
      nowMs: () => clock.nowMs() + setForwardMs,
      monotonicMs: () => clock.monotonicMs(),
      sleep: (ms, signal) => clock.sleep(ms, signal),
    };
    const waited = new Allowance({ limits, clock: set, log: silentLog, quotaFile: undefined });
    await waited.next(NEVER);
    waited.bill(100);
    const waiting = waited.next(NEVER).then(() => clock.monotonicMs());
    await clock.advance(600_000);
    setForwardMs = 2 * HOUR_MS;
    const setAtMs = clock.monotonicMs();
    await clock.advance(HOUR_MS);
    assert.ok((await waiting) - setAtMs <= 60_000);
  });

  it('counts what is billed before it knows what was used already', async () => {
    const limits = { quota: { messagesPerDay: 10, chunkBytes: 4_096 } };
    const counted = allowance(limits);
    counted.bill(5_000);
    await counted.next(NEVER);
    assert.equal(counted.quota?.usedToday, 2);
  });

  it('lets go at once where nothing was bought', async () => {
    const unbounded = allowance({});
    for (let message = 0; message < 1_000; message += 1) await unbounded.next(NEVER);
    assert.equal(clock.sleeping, 0);
  });

  it('stops waiting when the session is over', async () => {
    const limits = { messagesPerSecond: 1 };
    const paced = allowance(limits);
    await paced.next(NEVER);
    const over = new AbortController();
    const waiting = paced.next(over.signal);
    over.abort();
    await waiting;
  });
});
