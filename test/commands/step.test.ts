import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isOnStep } from '../../src/commands/step.ts';

/** `digits` times ten to the power of minus `places`, as JSON would bring it. */
function decimal(digits: number, places: number): number {
  return Number(`${digits}e${-places}`);
}

describe('isOnStep', () => {
  const digits = fc.integer({ min: -1_000_000, max: 1_000_000 });
  const places = fc.integer({ min: 0, max: 6 });

  it('takes every whole number of steps from the origin, whatever binary fractions make of it', () => {
    fc.assert(
      fc.property(
        digits,
        fc.integer({ min: 1, max: 10_000 }),
        fc.integer({ min: -1_000, max: 1_000 }),
        places,
        (from, step, n, at) => {
          assert.ok(isOnStep(decimal(from + n * step, at), decimal(step, at), decimal(from, at)));
        },
      ),
    );
  });

  it('takes nothing between two steps', () => {
    const off = fc
      .integer({ min: 2, max: 10_000 })
      .chain((step) => fc.tuple(fc.constant(step), fc.integer({ min: 1, max: step - 1 })));
    fc.assert(
      fc.property(digits, off, fc.integer({ min: -1_000, max: 1_000 }), places, (from, [step, rest], n, at) => {
        assert.ok(!isOnStep(decimal(from + n * step + rest, at), decimal(step, at), decimal(from, at)));
      }),
    );
  });

  it('takes numbers of any size, and integers beyond any double', () => {
    assert.ok(isOnStep(1e300, 1e299, 0));
    assert.ok(!isOnStep(1e-300, 1, 0));
    assert.ok(isOnStep(9_007_199_254_740_994n, 2, 0));
    assert.ok(!isOnStep(9_007_199_254_740_993n, 2, 0));
  });
});
