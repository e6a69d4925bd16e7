import assert from 'node:assert/strict';
import fc from 'fast-check';
import { throttle } from '../../../src/pipeline/operators/throttle.ts';
import { OperatorRun } from '../../support/operator-run.ts';

const run = () => new OperatorRun(throttle, { a: { throttle: '1 s' } }, 10_000);

describe('throttle', () => {
  it('passes the first reading at once and the newest of the others when the time has passed', () => {
    const operator = run();
    assert.deepEqual(operator.send(['a', 0, 1]), [['a', 0, 1]]);
    assert.deepEqual(operator.send(['a', 100, 2]), []);
    assert.deepEqual(operator.send(['a', 200, 3]), []);
    assert.deepEqual(operator.advance(999), []);
    assert.deepEqual(operator.advance(1), [['a', 200, 3]]);
    assert.deepEqual(operator.advance(5_000), []);
  });

  it('passes one of a batch with many readings of one point', () => {
    const operator = run();
    assert.deepEqual(operator.send(['a', 0, 1], ['a', 1, 2], ['a', 2, 3]), [['a', 0, 1]]);
    assert.deepEqual(operator.advance(1_000), [['a', 2, 3]]);
  });

  it('passes a change of quality at once', () => {
    const operator = run();
    operator.send(['a', 0, 1]);
    assert.deepEqual(operator.send(['a', 1, 2]), []);
    assert.deepEqual(operator.send(['a', 2, null, 'bad', 'BadTimeout']), [['a', 2, null, 'bad', 'BadTimeout']]);
    assert.deepEqual(operator.send(['a', 3, null, 'bad', 'BadNoCommunication']), [['a', 3, null, 'bad', 'BadNoCommunication']]);
    assert.deepEqual(operator.send(['a', 4, 5]), [['a', 4, 5]]);
    assert.deepEqual(operator.advance(2_000), []);
  });

  it('passes what waits when the source completes', () => {
    const operator = run();
    operator.send(['a', 0, 1], ['a', 1, 2]);
    assert.deepEqual(operator.complete(), [['a', 1, 2]]);
  });

  it('goes on when the clock is set back', () => {
    const operator = run();
    operator.send(['a', 0, 1], ['a', 1, 2]);
    operator.scheduler.jump(-9_000);
    assert.deepEqual(operator.advance(1_000), [['a', 1, 2]]);
    assert.deepEqual(operator.send(['a', -8_000, 3]), []);
    assert.deepEqual(operator.advance(1_000), [['a', -8_000, 3]]);
  });

  it('uses one timer for all points', () => {
    const operator = new OperatorRun(throttle, { a: { throttle: '1 s' }, b: { throttle: '3 s' }, c: { throttle: '2 s' } });
    for (const name of ['a', 'b', 'c']) operator.send([name, 0, 1], [name, 1, 2]);
    assert.equal(operator.scheduler.waiting, 1);
    assert.deepEqual(
      operator.advance(3_000).map(([name]) => name),
      ['a', 'c', 'b'],
    );
  });

  it('never passes two readings within the time, and always ends with the newest', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(700), { minLength: 1, maxLength: 40 }), (steps) => {
        const operator = run();
        let timeMs = 0;
        const passedAtMs: number[] = [];
        const passed: unknown[] = [];
        const note = (got: readonly (readonly unknown[])[]) => {
          for (const [, , value] of got) {
            passedAtMs.push(operator.scheduler.now());
            passed.push(value);
          }
        };
        for (const [index, step] of steps.entries()) {
          for (let waited = 0; waited < step; waited += 1) note(operator.advance(1));
          timeMs += step;
          note(operator.send(['a', timeMs, index]));
        }
        note(operator.complete());
        const gaps = passedAtMs.slice(1, -1).map((atMs, index) => atMs - (passedAtMs[index] ?? 0));
        assert.ok(gaps.every((gap) => gap >= 1_000));
        assert.equal(passed.at(-1), steps.length - 1);
      }),
      { numRuns: 20 },
    );
  });
});
