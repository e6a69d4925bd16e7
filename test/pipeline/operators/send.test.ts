import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describeValue, type Value } from '../../../src/model/value.ts';
import { send } from '../../../src/pipeline/operators/send.ts';
import type { PointSketch } from '../../support/device.ts';
import { OperatorRun } from '../../support/operator-run.ts';

const run = (keys: PointSketch) => new OperatorRun(send, { a: keys }, 1_000_000);

const sentOf = (keys: PointSketch, values: readonly (Value | null)[]) => {
  const operator = run(keys);
  return values.flatMap((value, time) => operator.send(['a', time, value]).map(([, , sent]) => sent));
};

describe('send', () => {
  const table: readonly [keys: PointSketch, values: readonly (Value | null)[], sent: readonly (Value | null)[]][] = [
    [{ send: { onChange: true } }, [1, 1, 2, 2, 1], [1, 2, 1]],
    [{ send: {} }, [1, 1, 2], [1, 2]],
    [{ as: 'property' }, [false, false, true], [false, true]],
    [{ send: { deadband: 0.5 } }, [10, 10.5, 10.4, 10.6, 10.2, 10.1, 10], [10, 10.6, 10]],
    [{ send: { deadband: 1 } }, [10, 10.6, 11.2, 11.8], [10, 11.2]],
    [{ send: { deadbandPercent: 1 }, range: { min: -50, max: 150 } }, [0, 2, 2.1, 0.2, 0.05], [0, 2.1, 0.05]],
    [{ send: { deadband: 5 } }, ['a', 'a', 'b'], ['a', 'b']],
    [{ send: { deadband: 5 } }, [true, true, false], [true, false]],
    [{ send: { deadband: 5 } }, [2n ** 63n, 2n ** 63n + 5n, 2n ** 63n + 6n], [2n ** 63n, 2n ** 63n + 6n]],
    [{ send: { deadband: 5 } }, [1, Number.NaN, Number.NaN, 1], [1, Number.NaN, 1]],
    [
      { send: { deadband: 1 } },
      [
        [1, 2],
        [1, 3],
        [1, 3.1],
      ],
      [
        [1, 2],
        [1, 3.1],
      ],
    ],
    [{ send: {} }, [[1], [1], [1, 2], [1, 2]], [[1], [1, 2]]],
    [
      { send: {} },
      [
        { a: 1, b: [2] },
        { b: [2], a: 1 },
        { a: 1, b: [3] },
      ],
      [
        { a: 1, b: [2] },
        { a: 1, b: [3] },
      ],
    ],
  ];
  for (const [keys, values, sent] of table) {
    it(`sends ${sent.map(describeValue).join(', ')} of ${values.map(describeValue).join(', ')} with ${JSON.stringify(keys)}`, () =>
      assert.deepEqual(sentOf(keys, values), sent));
  }

  it('always sends a change of quality or status', () => {
    const operator = run({ send: { deadband: 100 } });
    operator.send(['a', 0, 1]);
    for (const reading of [
      ['a', 1, 1, 'uncertain', 'UncertainLastUsableValue'],
      ['a', 2, null, 'bad', 'BadTimeout'],
      ['a', 3, null, 'bad', 'BadNoCommunication'],
      ['a', 4, 1],
    ] as const) {
      assert.deepEqual(operator.send(reading), [reading]);
    }
    assert.deepEqual(operator.send(['a', 5, 1]), []);
  });

  it('repeats the last reading of a silent device, its time carried on', () => {
    const operator = run({ send: { atLeastEvery: '60 s' } });
    operator.send(['a', 500, 7]);
    assert.deepEqual(operator.advance(59_999), []);
    assert.deepEqual(operator.advance(1), [['a', 60_500, 7]]);
    assert.deepEqual(operator.advance(120_000), [
      ['a', 120_500, 7],
      ['a', 180_500, 7],
    ]);
  });

  it('sends the newest reading within the deadband when the time has passed', () => {
    const operator = run({ send: { deadband: 1, atLeastEvery: '10 s' } });
    operator.send(['a', 0, 7]);
    operator.advance(4_000);
    assert.deepEqual(operator.send(['a', 4_000, 7.5]), []);
    assert.deepEqual(operator.advance(6_000), [['a', 10_000, 7.5]]);
  });

  it('counts the time from what was sent last', () => {
    const operator = run({ send: { atLeastEvery: '10 s' } });
    operator.send(['a', 0, 1]);
    operator.advance(9_000);
    operator.send(['a', 9_000, 2]);
    assert.deepEqual(operator.advance(9_999), []);
    assert.deepEqual(operator.advance(1), [['a', 19_000, 2]]);
  });

  it('keeps beating with rising times when the clock is set back', () => {
    const operator = run({ send: { atLeastEvery: '10 s' } });
    operator.send(['a', 0, 1]);
    operator.advance(5_000);
    operator.scheduler.jump(-500_000);
    const times = operator.advance(40_000).map(([, timeMs]) => timeMs);
    assert.ok(times.length >= 3);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
    assert.ok((times.at(-1) ?? 0) >= 25_000);
  });

  it('uses one timer for all points', () => {
    const operator = new OperatorRun(send, { a: { send: { atLeastEvery: '1 s' } }, b: { send: { atLeastEvery: '2 s' } } });
    operator.send(['a', 0, 1], ['b', 0, 1]);
    assert.equal(operator.scheduler.waiting, 1);
    assert.deepEqual(
      operator.advance(2_000).map(([name]) => name),
      ['a', 'a', 'b'],
    );
  });

  it('wants a range for a deadband in percent', () => {
    assert.equal(send.check?.({ send: { deadbandPercent: 1 } }, [])[0]?.key, 'send');
    assert.equal(send.check?.({ send: { deadbandPercent: 1 }, range: { min: 0 } }, []).length, 1);
    assert.deepEqual(send.check?.({ send: { deadbandPercent: 1 }, range: { min: 0, max: 1 } }, []), []);
  });

  for (const wrong of [{ deadband: -1 }, { deadband: 1, deadbandPercent: 1 }, { deadbandPercent: 101 }, { every: '1 s' }]) {
    it(`refuses ${JSON.stringify(wrong)}`, () => assert.ok(!send.keys.safeParse({ send: wrong }).success));
  }

  it('never lets the receiver be further away from the truth than the deadband', () => {
    const value = fc.double({ min: -100, max: 100, noNaN: true });
    fc.assert(
      fc.property(fc.array(value, { minLength: 1 }), fc.double({ min: 0, max: 50, noNaN: true }), (values, deadband) => {
        const operator = run({ send: { deadband } });
        let known = Number.NaN;
        for (const [time, truth] of values.entries()) {
          for (const [, , sent] of operator.send(['a', time, truth])) known = Number(sent);
          assert.ok(Math.abs(known - truth) <= deadband);
        }
      }),
    );
  });
});
