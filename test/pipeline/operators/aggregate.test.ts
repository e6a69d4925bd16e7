import assert from 'node:assert/strict';
import fc from 'fast-check';
import { aggregate } from '../../../src/pipeline/operators/aggregate.ts';
import { deviceOf, type ReadingSketch } from '../../support/device.ts';
import { OperatorRun } from '../../support/operator-run.ts';

const ALL = ['mean', 'min', 'max', 'first', 'last', 'count', 'sum', 'standardDeviation', 'timeWeightedMean'];

/** Windows of 10 s; the clocks of gateway and device agree. */
const run = (functions: readonly string[] = ['mean'], startMs = 0) =>
  new OperatorRun(aggregate, { a: { aggregate: { every: '10 s', functions } } }, startMs);

const valuesOf = (readings: readonly ReadingSketch[]) =>
  Object.fromEntries(readings.map(([name, , value]) => [name.slice(1), value]));

describe('aggregate', () => {
  it('sends one result for each window, aligned to the clock, with the time of its end', () => {
    const operator = run(['mean'], 13_000);
    assert.deepEqual(operator.send(['a', 13_000, 1]), []);
    operator.advance(6_999);
    assert.deepEqual(operator.send(['a', 19_999, 3]), []);
    operator.advance(1);
    assert.deepEqual(operator.send(['a', 20_000, 100]), [['a', 20_000, 2]]);
  });

  it('takes arrays and structures only where nothing is computed', () => {
    const operator = run(ALL);
    operator.send(['a', 0, [5]], ['a', 1_000, { speed: 1 }]);
    const { Mean, Max, Sum, First, Last, Count } = valuesOf(operator.send(['a', 10_000, 0]));
    assert.deepEqual([Mean, Max, Sum, First, Last, Count], [null, null, null, [5], { speed: 1 }, 2]);
  });

  it('computes every function', () => {
    const operator = run(ALL);
    for (const [timeMs, value] of [
      [0, 2],
      [2_000, 4],
      [4_000, 4],
      [6_000, 6],
    ] as const)
      operator.send(['a', timeMs, value]);
    assert.deepEqual(valuesOf(operator.send(['a', 10_000, 0])), {
      Mean: 4,
      Min: 2,
      Max: 6,
      First: 2,
      Last: 6,
      Count: 4,
      Sum: 16,
      StandardDeviation: Math.SQRT2,
      TimeWeightedMean: (2 * 2 + 4 * 4 + 6 * 4) / 10,
    });
  });

  it('names the results of several functions after the point', () => {
    const { points } = deviceOf({ points: { a: { unit: 'bar', aggregate: { every: '1 s', functions: ['mean', 'count'] } } } });
    const expanded = points.flatMap((plan) => aggregate.expand?.(plan) ?? []);
    assert.deepEqual(
      expanded.map(({ point, keys }) => [point.id, point.name, point.access, keys.aggregate]),
      [
        ['press-07/aMean', 'aMean', 'read', undefined],
        ['press-07/aCount', 'aCount', 'read', undefined],
      ],
    );
  });

  it('carries the value before a window into its time-weighted mean', () => {
    const operator = run(['timeWeightedMean']);
    operator.send(['a', 0, 10]);
    assert.deepEqual(operator.send(['a', 15_000, 20]), [['a', 10_000, 10]]);
    assert.deepEqual(operator.send(['a', 20_000, 0]), [['a', 20_000, 15]]);
  });

  it('leaves bad times out of the time-weighted mean', () => {
    const operator = run(['timeWeightedMean']);
    operator.send(['a', 0, 10], ['a', 2_000, null, 'bad', 'BadTimeout'], ['a', 8_000, 20]);
    assert.deepEqual(operator.send(['a', 10_000, 0]), [['a', 10_000, 15, 'bad', 'BadTimeout']]);
  });

  it('has the worst quality of the window', () => {
    const operator = run(['max']);
    operator.send(['a', 0, 1], ['a', 1_000, 5, 'uncertain', 'UncertainEngineeringUnitsExceeded'], ['a', 2_000, 2]);
    assert.deepEqual(operator.send(['a', 10_000, 0]), [['a', 10_000, 5, 'uncertain', 'UncertainEngineeringUnitsExceeded']]);
    assert.deepEqual(operator.send(['a', 20_000, 0]), [['a', 20_000, 0]]);
  });

  it('is bad without a value when nothing in the window had one', () => {
    const operator = run(['mean', 'count']);
    operator.send(['a', 0, null, 'bad', 'BadTimeout']);
    assert.deepEqual(operator.send(['a', 10_000, 0]), [
      ['aMean', 10_000, null, 'bad', 'BadTimeout'],
      ['aCount', 10_000, 0, 'bad', 'BadTimeout'],
    ]);
  });

  it('takes booleans as 0 and 1, but keeps first, last and extremes as they are', () => {
    const operator = run(['mean', 'min', 'last']);
    operator.send(['a', 0, true], ['a', 1, false], ['a', 2, true], ['a', 3, true]);
    assert.deepEqual(valuesOf(operator.send(['a', 10_000, true])), { Mean: 0.75, Min: false, Last: true });
  });

  it('keeps 64-bit extremes exact', () => {
    const operator = run(['max']);
    operator.send(['a', 0, 2n ** 63n], ['a', 1, 2n ** 63n + 1n]);
    assert.deepEqual(operator.send(['a', 10_000, 0n]), [['a', 10_000, 2n ** 63n + 1n]]);
  });

  it('counts text but calls its mean bad', () => {
    const operator = run(['count', 'last', 'mean']);
    operator.send(['a', 0, 'x'], ['a', 1, 'y']);
    assert.deepEqual(operator.send(['a', 10_000, 'z']), [
      ['aCount', 10_000, 2],
      ['aLast', 10_000, 'y'],
      ['aMean', 10_000, null, 'bad', 'BadTypeMismatch'],
    ]);
  });

  it('does not let one NaN spoil the window, and says so', () => {
    const operator = run(['mean']);
    operator.send(['a', 0, 1], ['a', 1, Number.NaN], ['a', 2, 3]);
    assert.deepEqual(operator.send(['a', 10_000, 0]), [['a', 10_000, 2, 'bad', 'BadDecodingError']]);
  });

  it('closes windows of a silent device by the clock, with the value that still holds', () => {
    const operator = run(['mean', 'count'], 3_000);
    operator.send(['a', 3_000, 7]);
    assert.deepEqual(operator.advance(7_999), []);
    assert.deepEqual(operator.advance(1), [
      ['aMean', 10_000, 7],
      ['aCount', 10_000, 1],
    ]);
    assert.deepEqual(operator.advance(10_000), [
      ['aMean', 20_000, 7],
      ['aCount', 20_000, 0],
    ]);
    assert.deepEqual(operator.send(['a', 31_000, 9]).slice(0, 1), [['aMean', 30_000, 7]]);
  });

  it('goes by the clock of the device where it differs from ours', () => {
    const operator = run(['mean'], 1_000_000);
    operator.send(['a', 3_000, 7]);
    assert.deepEqual(operator.advance(7_999), []);
    assert.deepEqual(operator.advance(1), [['a', 10_000, 7]]);
  });

  it('says a bad value once and is then silent until the device speaks again', () => {
    const operator = run(['mean']);
    operator.send(['a', 0, null, 'bad', 'BadNoCommunication']);
    assert.deepEqual(operator.advance(60_000), [['a', 10_000, null, 'bad', 'BadNoCommunication']]);
    operator.send(['a', 60_000, 5]);
    assert.deepEqual(operator.advance(11_000), [['a', 70_000, 5]]);
  });

  it('counts a late reading in the window that is open', () => {
    const operator = run(['sum']);
    operator.send(['a', 9_000, 1]);
    assert.deepEqual(operator.send(['a', 10_000, 2], ['a', 9_500, 4]), [['a', 10_000, 1]]);
    assert.deepEqual(operator.send(['a', 20_000, 0]), [['a', 20_000, 6]]);
  });

  it('begins anew when the clock of the device is set back', () => {
    const operator = run(['sum'], 500_000);
    operator.send(['a', 500_000, 1]);
    assert.deepEqual(operator.send(['a', 100_000, 2]), [['a', 510_000, 1]]);
    assert.deepEqual(operator.send(['a', 110_000, 3]), [['a', 110_000, 2]]);
  });

  it('does not make up windows when the clock of the device is set ahead', () => {
    const operator = run(['sum']);
    operator.send(['a', 0, 1]);
    assert.deepEqual(operator.send(['a', 36_000_000, 2]), [['a', 10_000, 1]]);
  });

  it('does not cut a window in two when our clock is set back', () => {
    const operator = run(['count'], 1_000_000);
    operator.send(['a', 1_000_000, 1]);
    operator.advance(5_000);
    operator.scheduler.jump(-900_000);
    operator.advance(6_000);
    operator.send(['a', 1_009_000, 1]);
    assert.deepEqual(operator.send(['a', 1_010_000, 1]), [['a', 1_010_000, 2]]);
  });

  it('leaves out the windows through which this computer slept', () => {
    const operator = run(['last']);
    operator.send(['a', 0, 1]);
    operator.scheduler.jump(3_600_000);
    const slept = operator.advance(11_000);
    assert.equal(slept.length, 1);
    assert.ok(operator.advance(10_000).length <= 1);
  });

  it('sends the unfinished window when the source completes, with the time of its last reading', () => {
    const operator = run(['mean']);
    operator.send(['a', 1_000, 1], ['a', 4_000, 3]);
    assert.deepEqual(operator.complete(), [['a', 4_000, 2]]);
  });

  it('uses one timer for all points', () => {
    const keys = { aggregate: { every: '10 s', functions: ['mean'] } };
    const operator = new OperatorRun(aggregate, { a: keys, b: keys, c: keys });
    operator.send(['a', 0, 1], ['b', 0, 1], ['c', 0, 1]);
    assert.equal(operator.scheduler.waiting, 1);
    assert.equal(operator.advance(11_000).length, 3);
  });

  it('refuses results that would take the name of another point', () => {
    const keys = aggregate.keys.parse({ aggregate: { every: '1 s', functions: ['mean', 'max'] } });
    assert.match(aggregate.check?.(keys, ['a', 'aMax'], 'a')[0]?.message ?? '', /`aMax`/);
    assert.deepEqual(aggregate.check?.(keys, ['a', 'b'], 'a'), []);
    assert.equal(aggregate.check?.(keys, [], 'x'.repeat(510)).length, 2);
  });

  it('makes names that DTDL allows', () => {
    const [plan] = deviceOf({ points: { motorCurrent: { aggregate: { every: '1 s', functions: ALL } } } }).points;
    assert.ok(plan);
    for (const { point } of aggregate.expand?.(plan) ?? []) assert.match(point.name, /^[A-Za-z][A-Za-z0-9_]*[A-Za-z0-9]$/);
  });

  for (const wrong of [
    { every: '10 s' },
    { every: '0 s', functions: ['mean'] },
    { every: '1 s', functions: [] },
    { every: '1 s', functions: ['mean', 'mean'] },
    { every: '1 s', functions: ['median'] },
  ]) {
    it(`refuses ${JSON.stringify(wrong)}`, () => assert.ok(!aggregate.keys.safeParse({ aggregate: wrong }).success));
  }

  it('counts every reading once and agrees with a computation over lists', () => {
    const step = fc.record({ stepMs: fc.integer({ min: 1, max: 4_000 }), value: fc.integer({ min: -1_000, max: 1_000 }) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
        const operator = run(['count', 'sum', 'mean']);
        const windows = new Map<number, number[]>();
        const got: ReadingSketch[] = [];
        let timeMs = 0;
        for (const { stepMs, value } of steps) {
          timeMs += stepMs;
          got.push(...operator.send(['a', timeMs, value]));
          const end = Math.floor(timeMs / 10_000) * 10_000 + 10_000;
          windows.set(end, [...(windows.get(end) ?? []), value]);
        }
        got.push(...operator.complete());
        const sums = got.filter(([name]) => name === 'aSum').map(([, , value]) => value);
        assert.deepEqual(
          sums,
          [...windows.values()].map((values) => values.reduce((a, b) => a + b)),
        );
        const counts = got.filter(([name]) => name === 'aCount').map(([, , value]) => Number(value));
        assert.equal(
          counts.reduce((a, b) => a + b),
          steps.length,
        );
      }),
    );
  });
});
