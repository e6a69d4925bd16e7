import assert from 'node:assert/strict';
import fc from 'fast-check';
import { range } from '../../../src/pipeline/operators/range.ts';
import type { ReadingSketch } from '../../support/device.ts';
import { OperatorRun } from '../../support/operator-run.ts';

const EXCEEDED = 'UncertainEngineeringUnitsExceeded';

describe('range', () => {
  const run = new OperatorRun(range, { a: { range: { min: -40, max: 150 } }, low: { range: { min: 0 } } });
  const table: readonly [sent: ReadingSketch, got: ReadingSketch][] = [
    [
      ['a', 0, 20],
      ['a', 0, 20],
    ],
    [
      ['a', 0, -40],
      ['a', 0, -40],
    ],
    [
      ['a', 0, 150],
      ['a', 0, 150],
    ],
    [
      ['a', 0, 150.5],
      ['a', 0, 150.5, 'uncertain', EXCEEDED],
    ],
    [
      ['a', 0, [20, [150.5, null]]],
      ['a', 0, [20, [150.5, null]], 'uncertain', EXCEEDED],
    ],
    [
      ['a', 0, { inner: 20, name: 'x' }],
      ['a', 0, { inner: 20, name: 'x' }],
    ],
    [
      ['a', 0, -41],
      ['a', 0, -41, 'uncertain', EXCEEDED],
    ],
    [
      ['a', 0, 151n],
      ['a', 0, 151n, 'uncertain', EXCEEDED],
    ],
    [
      ['low', 0, -1],
      ['low', 0, -1, 'uncertain', EXCEEDED],
    ],
    [
      ['low', 0, 1e300],
      ['low', 0, 1e300],
    ],
    [
      ['a', 0, 'text'],
      ['a', 0, 'text'],
    ],
    [
      ['a', 0, true],
      ['a', 0, true],
    ],
    [
      ['a', 0, 999, 'bad', 'BadSensorFailure'],
      ['a', 0, 999, 'bad', 'BadSensorFailure'],
    ],
    [
      ['a', 0, 999, 'uncertain', 'UncertainLastUsableValue'],
      ['a', 0, 999, 'uncertain', 'UncertainLastUsableValue'],
    ],
    [
      ['a', 0, null, 'bad', 'BadTimeout'],
      ['a', 0, null, 'bad', 'BadTimeout'],
    ],
  ];
  for (const [sent, got] of table) {
    it(`makes ${got.slice(2).join(' ')} of ${sent.slice(2).join(' ')} at ${sent[0]}`, () =>
      assert.deepEqual(run.send(sent), [got]));
  }

  for (const wrong of [{}, { min: 2, max: 1 }, { min: 1, max: 1 }, { minimum: 1 }]) {
    it(`refuses ${JSON.stringify(wrong)}`, () => assert.ok(!range.keys.safeParse({ range: wrong }).success));
  }

  it('never changes a value, and calls it good only inside', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        const [got] = run.send(['a', 0, value]);
        assert.deepEqual(got?.[2], value);
        assert.equal(got?.[3] ?? 'good', value >= -40 && value <= 150 ? 'good' : 'uncertain');
      }),
    );
  });
});
