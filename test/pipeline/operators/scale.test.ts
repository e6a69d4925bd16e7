import assert from 'node:assert/strict';
import fc from 'fast-check';
import { GatewayError } from '../../../src/model/error.ts';
import type { Value } from '../../../src/model/value.ts';
import { scale } from '../../../src/pipeline/operators/scale.ts';
import { deviceOf, type PointSketch } from '../../support/device.ts';
import { OperatorRun } from '../../support/operator-run.ts';

const scaled = (keys: PointSketch, value: Value | null) => new OperatorRun(scale, { a: keys }).send(['a', 0, value])[0];

const planOf = (sketch: PointSketch) => {
  const [plan] = deviceOf({ points: { a: sketch } }).points;
  assert.ok(plan);
  return plan;
};

describe('scale', () => {
  const table: readonly [keys: PointSketch, raw: Value | null, value: Value | null][] = [
    [{ scale: 0.1 }, 715, 71.5],
    [{ scale: 0.1 }, 3, 0.3],
    [{ scale: 0.01 }, 7, 0.07],
    [{ scale: 2.5 }, 4, 10],
    [{ scale: -1 }, 4, -4],
    [{ scale: 10 }, 4, 40],
    [{ offset: -40 }, 65, 25],
    [{ scale: 0.5, offset: -40 }, 130, 25],
    [{ scale: 0.001 }, 12_345n, 12.345],
    [{ scale: 1, offset: 0 }, 2n ** 63n, 2n ** 63n],
    [{ scale: 0.1 }, [3, [7n, null]], [0.3, [0.7, null]]],
  ];
  for (const [keys, raw, value] of table) {
    it(`makes ${value} of ${raw} with ${JSON.stringify(keys)}`, () => assert.deepEqual(scaled(keys, raw), ['a', 0, value]));
  }

  it('calls text and booleans bad, for they cannot be scaled', () => {
    assert.deepEqual(scaled({ scale: 2 }, 'on'), ['a', 0, null, 'bad', 'BadTypeMismatch']);
    assert.deepEqual(scaled({ scale: 2 }, true), ['a', 0, null, 'bad', 'BadTypeMismatch']);
    assert.deepEqual(scaled({ scale: 2 }, [1, 'on']), ['a', 0, null, 'bad', 'BadTypeMismatch']);
    assert.deepEqual(scaled({ scale: 2 }, { speed: 1 }), ['a', 0, null, 'bad', 'BadTypeMismatch']);
  });

  it('keeps quality and status of a reading', () => {
    const run = new OperatorRun(scale, { a: { scale: 0.1 } });
    assert.deepEqual(run.send(['a', 0, 10, 'uncertain', 'UncertainLastUsableValue']), [
      ['a', 0, 1, 'uncertain', 'UncertainLastUsableValue'],
    ]);
    assert.deepEqual(run.send(['a', 1, null, 'bad', 'BadTimeout']), [['a', 1, null, 'bad', 'BadTimeout']]);
  });

  it('refuses a factor of zero', () => assert.ok(!scale.keys.safeParse({ scale: 0 }).success));

  it('writes whole numbers to whole-number points', () => {
    assert.strictEqual(scale.invert?.(planOf({ scale: 0.1, type: 'int16' }), 12.3), 123);
    assert.strictEqual(scale.invert?.(planOf({ scale: 0.1, type: 'uint64' }), 12.3), 123n);
    assert.strictEqual(scale.invert?.(planOf({ scale: 0.1, type: 'float32' }), 12.34), 123.4);
    assert.deepEqual(scale.invert?.(planOf({ scale: 0.1, type: 'uint64' }), [12.3, [1]]), [123n, [10n]]);
    assert.strictEqual(scale.invert?.(planOf({ type: 'string' }), 'as it is'), 'as it is');
  });

  it('refuses to write what cannot be computed back', () => {
    const plan = planOf({ scale: 0.1, type: 'int16' });
    const isOf = (code: string) => (error: unknown) => error instanceof GatewayError && error.code === code;
    assert.throws(() => scale.invert?.(plan, 'fast'), isOf('VALUE_TYPE'));
    assert.throws(() => scale.invert?.(plan, { speed: 1 }), isOf('VALUE_TYPE'));
    assert.throws(() => scale.invert?.(plan, Number.NaN), isOf('VALUE_OUT_OF_RANGE'));
  });

  it('writes back what was read, for every 16-bit number and every usual factor', () => {
    const factor = fc.constantFrom(0.001, 0.01, 0.1, 0.25, 0.5, 1, 2, 10, 0.3, -0.1, 1.8);
    fc.assert(
      fc.property(
        factor,
        fc.integer({ min: -100, max: 100 }),
        fc.integer({ min: -32_768, max: 32_767 }),
        (scaleBy, offset, raw) => {
          const keys = { scale: scaleBy, offset, type: 'int16' } as const;
          const value = scaled(keys, raw)?.[2];
          assert.equal(typeof value, 'number');
          assert.equal(scale.invert?.(planOf(keys), value ?? 0), raw);
        },
      ),
    );
  });
});
