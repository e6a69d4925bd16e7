import assert from 'node:assert/strict';
import fc from 'fast-check';
import { charactersOf } from '../../src/model/decimal.ts';

describe('the characters of a number', () => {
  it('are those of its text', () => {
    for (const value of [0, 9, 10, -1, -10, 0.5, -0.5, -0.05, 12.25, -12.125, 99.9, 2 ** 31, 2 ** 53, -0, 1e-7, 1e21, Math.PI]) {
      assert.equal(charactersOf(value), String(value).length, String(value));
    }
    const decimal = fc.tuple(fc.integer(), fc.constantFrom(1, 10, 100, 1_000, 10_000)).map(([whole, parts]) => whole / parts);
    fc.assert(fc.property(fc.oneof(decimal, fc.double()), (value) => charactersOf(value) === String(value).length));
  });
});
