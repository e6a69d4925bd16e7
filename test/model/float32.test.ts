import assert from 'node:assert/strict';
import fc from 'fast-check';
import { shortestFloat32 } from '../../src/model/float32.ts';

const anyFloat32 = fc.float().map(Math.fround);

describe('a float32 as a decimal', () => {
  for (const written of [0.1, -0.3, 21.7, 3.402_823_5e38, 1e-45, 16_777_216, 123_456.79, 0, 42]) {
    it(`shows ${written} as it was written`, () => {
      assert.equal(shortestFloat32(Math.fround(written)), written);
    });
  }

  it('shows every decimal of up to six digits as it was written', () => {
    fc.assert(
      fc.property(fc.integer({ min: -999_999, max: 999_999 }), fc.integer({ min: 0, max: 12 }), (whole, decimals) => {
        const written = Number(`${whole}e-${decimals}`);
        assert.equal(shortestFloat32(Math.fround(written)), written);
      }),
    );
  });

  it('is always the same float32 again', () => {
    fc.assert(
      fc.property(anyFloat32, (value) => Object.is(Math.fround(shortestFloat32(value)), value)),
      { numRuns: 2_000 },
    );
  });

  it('is what rounding its text to the fewest digits gives', () => {
    const byText = (value: number): number => {
      for (let digits = 6; digits < 9; digits += 1)
        if (Math.fround(Number(value.toPrecision(digits))) === value) return Number(value.toPrecision(digits));
      return Number(value.toPrecision(9));
    };
    const measured = fc.tuple(fc.integer({ min: -9_999_999, max: 9_999_999 }), fc.integer({ min: 0, max: 9 }));
    fc.assert(
      fc.property(measured, ([whole, decimals]) => {
        const value = Math.fround(whole / 10 ** decimals);
        assert.equal(shortestFloat32(value), byText(value));
      }),
      { numRuns: 5_000 },
    );
    for (const tie of [-216_209.375, 6_005.718_75, -34_636.9375]) assert.equal(shortestFloat32(tie), byText(tie));
  });

  it('is never longer than what a double would show', () => {
    fc.assert(fc.property(anyFloat32, (value) => String(shortestFloat32(value)).length <= String(value).length));
  });
});
