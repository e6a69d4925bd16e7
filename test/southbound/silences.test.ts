import assert from 'node:assert/strict';
import type { DeviceGap } from '../../src/model/device-gap.ts';
import type { Point } from '../../src/model/point.ts';
import { badReading } from '../../src/model/reading.ts';
import { Silences } from '../../src/southbound/silences.ts';
import { HandClock } from '../support/hand-clock.ts';

const HOUR_MS = 3_600_000;
const [a, b] = ['a', 'b'].map(
  (name): Point => ({
    ...{ id: `press/${name}`, device: 'press', name, address: {} },
    ...{ access: 'read', kind: 'telemetry', intervalMs: 100 },
  }),
) as [Point, Point];

function start() {
  const clock = new HandClock(0);
  const told: DeviceGap[] = [];
  const silences = new Silences({ clock, onGap: (gap) => told.push(gap) });
  const miss = (points: readonly Point[] = [a, b], more: Partial<DeviceGap> = {}) => {
    const nowMs = clock.nowMs();
    const times = { fromTimeMs: nowMs, toTimeMs: nowMs };
    silences.take({ device: 'press', reason: 'device-away', points, readings: points.length, ...times, ...more });
  };
  const measure = (point = a) =>
    silences.see({ device: 'press', readings: [{ point, value: 1, quality: 'good', sourceTimeMs: clock.nowMs() }] });
  const missFor = async (ms: number) => {
    for (let past = 0; past < ms; past += 100) {
      miss();
      await clock.advance(100);
    }
  };
  const tellDue = (isAwayLong = false) => silences.tellDue({ isAwayLong });
  const summary = () => told.map(({ fromTimeMs, toTimeMs, readings }) => [fromTimeMs, toTimeMs, readings]);
  return { clock, silences, told, miss, measure, missFor, tellDue, summary };
}

describe('what devices miss', () => {
  it('is one gap for each silence, told when it ends', async () => {
    const { missFor, measure, told } = start();
    await missFor(500);
    assert.deepEqual(told, []);
    measure();
    measure();
    const gap = { device: 'press', reason: 'device-away', points: [a, b], fromTimeMs: 0, toTimeMs: 500, readings: 10 };
    assert.deepEqual(told, [gap]);
  });

  it('is not over while only others are measured, or the same are told to be bad', async () => {
    const { miss, measure, silences, told, clock } = start();
    miss([a]);
    await clock.advance(100);
    measure(b);
    silences.see({ device: 'press', readings: [badReading(a, 'BadTimeout', 100)] });
    silences.see({ device: 'press', isHistory: true, readings: [{ point: a, value: 1, quality: 'good', sourceTimeMs: 5 }] });
    assert.deepEqual(told, []);
    measure(a);
    assert.equal(told.length, 1);
  });

  it('is one of points and one of events, each over at its own time', async () => {
    const { miss, measure, tellDue, told, clock } = start();
    miss([a]);
    miss([b], { isOfEvents: true, isOver: true, readings: 0 });
    await clock.advance(2_000);
    tellDue();
    measure(a);
    assert.deepEqual(
      told.map(({ isOfEvents, points, toTimeMs }) => [isOfEvents, points, toTimeMs]),
      [
        [true, [b], 0],
        [undefined, [a], 2_000],
      ],
    );
  });

  it('is told every hour while it lasts, in slices that meet and add up', async () => {
    const { clock, miss, measure, tellDue, summary } = start();
    for (let minute = 0; minute < 150; minute += 1) {
      miss();
      tellDue();
      await clock.advance(60_000);
    }
    measure();
    tellDue();
    assert.deepEqual(summary(), [
      [0, HOUR_MS, 122],
      [HOUR_MS, 2 * HOUR_MS, 120],
      [2 * HOUR_MS, 2.5 * HOUR_MS, 58],
    ]);
  });

  it('does not flood: the gaps of a device that comes and goes become one a minute, and no reading is forgotten', async () => {
    const { clock, miss, measure, tellDue, told, summary } = start();
    for (let second = 0; second < 600; second += 1) {
      miss();
      await clock.advance(500);
      measure();
      await clock.advance(500);
      if (second % 10 === 9) tellDue();
    }
    tellDue();
    assert.ok(told.length <= 11, `${told.length} gaps in ten minutes`);
    assert.equal(summary()[0]?.[2], 2, 'the first at once');
    await clock.advance(60_000);
    tellDue();
    assert.equal(
      told.reduce((sum, { readings }) => sum + readings, 0),
      1_200,
    );
  });

  it('is told at the end of everything, as far as it is known', async () => {
    const { silences, missFor, summary } = start();
    await missFor(300);
    silences.tellAll();
    silences.tellAll();
    assert.deepEqual(summary(), [[0, 300, 6]]);
  });

  it('is over a moment later where who tells it knows that, with what else is over then', async () => {
    const { miss, told, clock, tellDue } = start();
    await clock.advance(5_000);
    miss([a], { fromTimeMs: 1_000, toTimeMs: 4_000, readings: 0, isOver: true, reason: 'queue-overflow' });
    miss([b], { fromTimeMs: 1_500, toTimeMs: 3_000, readings: 0, isOver: true, reason: 'queue-overflow' });
    await clock.advance(500);
    tellDue();
    assert.deepEqual(told, []);
    await clock.advance(500);
    tellDue();
    const gap = { device: 'press', reason: 'queue-overflow', points: [a, b], fromTimeMs: 1_000, toTimeMs: 4_000, readings: 0 };
    assert.deepEqual(told, [gap]);
  });

  for (const byMs of [HOUR_MS, -HOUR_MS]) {
    it(`has no times of before and after the clock was set by ${byMs / HOUR_MS} h, and no reading is told twice or not at all`, async () => {
      const { clock, silences, missFor, measure, summary } = start();
      await missFor(500);
      silences.beforeStep();
      clock.set(byMs);
      silences.stepped(byMs);
      await missFor(300);
      measure();
      await clock.advance(60_000);
      silences.tellDue({ isAwayLong: false });
      measure();
      assert.deepEqual(summary(), [
        [0, 500, 10],
        [500 + byMs, 800 + byMs, 6],
      ]);
    });
  }

  it('says nothing where nothing was missed since it was last told', async () => {
    const { clock, miss, measure, tellDue, told } = start();
    miss();
    await clock.advance(HOUR_MS);
    tellDue();
    assert.equal(told.length, 1);
    measure();
    tellDue();
    assert.equal(told.length, 1);
  });
});
