import assert from 'node:assert/strict';
import { Observable, Subject } from 'rxjs';
import type { Draft } from '../../src/model/draft.ts';
import type { Point } from '../../src/model/point.ts';
import type { Reading } from '../../src/model/reading.ts';
import { operators } from '../../src/pipeline/operators/index.ts';
import { createPipeline, engineer, invert, resultingPoints } from '../../src/pipeline/pipeline.ts';
import { deviceOf, readingOf, sketchOf } from '../support/device.ts';
import { HandScheduler } from '../support/hand-scheduler.ts';

describe('a pipeline', () => {
  it('shows every engineering value before anything is kept back', () => {
    const device = deviceOf({ points: { a: { scale: 0.1, throttle: '1 h' }, twice: { expression: 'a * 2' } } });
    const seen: unknown[] = [];
    const source = new Subject<readonly Reading[]>();
    const onEngineering = (batch: readonly Reading[]) => seen.push(...batch.map(sketchOf));
    source.pipe(createPipeline(device, operators, new HandScheduler(), { onEngineering })).subscribe();
    source.next([readingOf(device, ['a', 0, 10])]);
    source.next([readingOf(device, ['a', 1, 20])]);
    assert.deepEqual(seen, [
      ['a', 0, 1],
      ['twice', 0, 2],
      ['a', 1, 2],
      ['twice', 1, 4],
    ]);
  });

  it('undoes the operators for a write, last first', () => {
    const device = deviceOf({
      points: { speed: { scale: 0.5, offset: 10, type: 'uint16' }, mode: { labels: { 3: 'manual' }, type: 'uint16' } },
    });
    const [speed, mode] = device.points;
    assert.ok(speed && mode);
    assert.strictEqual(invert(operators, speed, 60), 100);
    assert.strictEqual(invert(operators, mode, 'manual'), 3);
  });

  it('makes an engineering value of a reading asked for beside the stream', () => {
    const device = deviceOf({ points: { speed: { scale: 0.5, range: { max: 40 }, send: { deadband: 5 } } } });
    const [speed] = device.points;
    assert.ok(speed);
    const got = engineer(operators, speed, readingOf(device, ['speed', 0, 100]));
    assert.deepEqual(sketchOf(got), ['speed', 0, 50, 'uncertain', 'UncertainEngineeringUnitsExceeded']);
  });

  it('applies report by exception to the results of an aggregate', () => {
    const aggregate = { every: '1 s', functions: ['min', 'max'] };
    const device = deviceOf({ points: { a: { aggregate, send: { onChange: true } } } });
    assert.deepEqual(
      resultingPoints(device, operators).map(({ point }) => point.name),
      ['aMin', 'aMax'],
    );
    const drafts: Draft[] = [];
    const source = new Subject<readonly Reading[]>();
    source.pipe(createPipeline(device, operators, new HandScheduler())).subscribe((draft) => drafts.push(draft));
    for (const [timeMs, value] of [
      [0, 1],
      [1_000, 1],
      [2_000, 2],
      [3_000, 0],
    ] as const)
      source.next([readingOf(device, ['a', timeMs, value])]);
    source.complete();
    const [draft] = drafts;
    assert.deepEqual(draft?.message.values, {
      aMin: [
        [0, 1],
        [2_000, 2],
        [2_000, 0],
      ],
      aMax: [
        [0, 1],
        [2_000, 2],
        [2_000, 0],
      ],
    });
  });

  it('passes an empty batch without harm, and keeps no state from one subscription to the next', () => {
    const device = deviceOf({ points: { a: { send: { onChange: true } } } });
    const pipeline = createPipeline(device, operators, new HandScheduler());
    for (let turn = 0; turn < 2; turn += 1) {
      const source = new Subject<readonly Reading[]>();
      const drafts: Draft[] = [];
      source.pipe(pipeline).subscribe((draft) => drafts.push(draft));
      source.next([]);
      source.next([readingOf(device, ['a', 0, 1])]);
      source.complete();
      assert.equal(drafts.length, 1);
    }
  });

  it('lets go of its source and its timers when it is unsubscribed', () => {
    const points = {
      a: { throttle: '1 s' },
      b: { aggregate: { every: '1 s', functions: ['mean'] } },
      c: { send: { atLeastEvery: '1 s' } },
    };
    const device = deviceOf({ points });
    const scheduler = new HandScheduler();
    const source = new Subject<readonly Reading[]>();
    const subscription = source.pipe(createPipeline(device, operators, scheduler)).subscribe();
    source.next(['a', 'b', 'c'].flatMap((name) => [readingOf(device, [name, 0, 1]), readingOf(device, [name, 1, 2])]));
    assert.ok(scheduler.waiting >= 3);
    subscription.unsubscribe();
    assert.equal(scheduler.waiting, 0);
    assert.ok(!source.observed);
  });

  /** How often the operators look at a reading: a stream, a filter or a timer for each point would look again and again. */
  const countWork = (pointCount: number) => {
    const keys = {
      scale: 0.1,
      range: { min: 0, max: 100 },
      throttle: '100 ms',
      aggregate: { every: '1 s', functions: ['mean'] },
      send: { deadband: 0.5, atLeastEvery: '60 s' },
    };
    const names = Array.from({ length: pointCount }, (_, index) => `p${index}`);
    const device = deviceOf({ points: Object.fromEntries(names.map((name) => [name, keys])) });
    const scheduler = new HandScheduler();
    let looks = 0;
    let subscriptions = 0;
    let schedules = 0;
    const schedule = scheduler.schedule.bind(scheduler);
    scheduler.schedule = (work, delay, state) => {
      schedules += 1;
      return schedule(work, delay, state);
    };
    const looked = (point: Point, sourceTimeMs: number): Reading => ({
      get point() {
        looks += 1;
        return point;
      },
      value: 5,
      quality: 'good',
      sourceTimeMs,
    });
    const source = new Subject<readonly Reading[]>();
    const counted = new Observable<readonly Reading[]>((subscriber) => {
      subscriptions += 1;
      return source.subscribe(subscriber);
    });
    let messages = 0;
    let readings = 0;
    counted.pipe(createPipeline(device, operators, scheduler)).subscribe(({ message }) => {
      messages += 1;
      for (const values of Object.values(message.values)) readings += values.length;
    });
    for (let batch = 0; batch < 100; batch += 1) {
      source.next(device.points.map(({ point }) => looked(point, batch * 100)));
      scheduler.advance(100);
    }
    return { looksPerReading: looks / (pointCount * 100), subscriptions, schedules, messages, readings };
  };

  it('does the same work per reading for 1 000 points as for 10, on one subscription and a few timers', () => {
    const few = countWork(10);
    const many = countWork(1_000);
    assert.ok(
      many.looksPerReading <= few.looksPerReading * 1.1,
      `${many.looksPerReading} looks instead of ${few.looksPerReading}`,
    );
    assert.equal(many.subscriptions, 1);
    assert.ok(many.schedules <= 300, `${many.schedules} timers for 100 batches`);
    assert.ok(many.readings >= 1_000);
    assert.ok(many.messages < 200);
  });
});
