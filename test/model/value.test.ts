import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  describeValue,
  isNumeric,
  isSame,
  mapScalars,
  type Scalar,
  scalarsOf,
  someScalar,
  type Value,
} from '../../src/model/value.ts';
import { anyValue } from '../support/any-value.ts';

describe('a value', () => {
  const table: readonly [a: Value, b: Value, isSame: boolean][] = [
    [1, 1, true],
    [1, 1n, false],
    [Number.NaN, Number.NaN, true],
    [0, -0, false],
    [[1, 2], [1, 2], true],
    [[1, 2], [2, 1], false],
    [[1, 2], [1, 2, 3], false],
    [[1, null], [1, null], true],
    [[1, null], [1, 0], false],
    [[[1], [2]], [[1], [2]], true],
    [[], {}, false],
    [[1], 1, false],
    [{ a: 1, b: [2] }, { b: [2], a: 1 }, true],
    [{ a: 1 }, { b: 1 }, false],
    [{ a: null }, {}, false],
    [JSON.parse('{"__proto__":1}'), {}, false],
    [JSON.parse('{"__proto__":1}'), JSON.parse('{"__proto__":1}'), true],
  ];
  for (const [a, b, expected] of table) {
    it(`${describeValue(a)} ${expected ? 'is' : 'is not'} the same as ${describeValue(b)}`, () => {
      assert.equal(isSame(a, b), expected);
      assert.equal(isSame(b, a), expected);
    });
  }

  it('is the same as its own copy, whatever it is', () => {
    const copy = (value: Value) => mapScalars<Value>(value, (scalar) => scalar);
    fc.assert(fc.property(anyValue, (value) => isSame(value, copy(value))));
  });

  it('keeps its shape when its scalars are replaced, and replaces every one', () => {
    const shape = (value: Value | null) => [...scalarsOf(value)].map((scalar) => scalar === null);
    fc.assert(
      fc.property(anyValue, (value) => {
        const changed = mapScalars<Value>(value, () => 'changed');
        assert.deepEqual(shape(changed), shape(value));
        assert.ok(!someScalar(changed, (scalar: Scalar) => scalar !== 'changed'));
      }),
    );
  });

  it('is numeric when it is a number or an array of nothing else', () => {
    const numeric = [1, 2n, [1, 2n], [[1], [null]]].map(isNumeric);
    const other = [true, 'x', [1, 'x'], { a: 1 }, [{ a: 1 }]].map(isNumeric);
    assert.deepEqual([numeric, other], [numeric.map(() => true), other.map(() => false)]);
  });

  it('shows itself to people', () => {
    const shown = [1.5, 2n, 'on', null, [1, 2n, null], { mode: 'auto', speeds: [1] }].map(describeValue);
    assert.deepEqual(shown, ['1.5', '2', 'on', 'null', '[1,"2",null]', '{"mode":"auto","speeds":[1]}']);
  });
});
