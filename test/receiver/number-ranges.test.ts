import assert from 'node:assert/strict';
import fc from 'fast-check';
import { countOf, formatRanges, NumberRanges } from '../../src/receiver/number-ranges.ts';

describe('number ranges', () => {
  it('are what a set of numbers is, whatever is added in whatever order', () => {
    const range = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: -2, max: 8 }));
    fc.assert(
      fc.property(fc.array(range, { maxLength: 30 }), range, (added, [from, length]) => {
        const ranges = new NumberRanges();
        const model = new Set<number>();
        for (const [first, more] of added) {
          ranges.add(first, first + more);
          for (let number = first; number <= first + more; number += 1) model.add(number);
        }
        assert.equal(ranges.size, model.size);
        for (let number = 0; number <= 75; number += 1) assert.equal(ranges.has(number), model.has(number), `${number}`);
        for (const [index, { from: start }] of ranges.ranges.entries())
          assert.ok(start > (ranges.ranges[index - 1]?.to ?? -1) + 1, 'ranges that touch are one');
        const within = { from, to: from + Math.max(0, length) };
        const missing = Array.from({ length: within.to - from + 1 }, (_, index) => from + index).filter((one) => !model.has(one));
        const holes = ranges.missing(within);
        assert.equal(countOf(holes), missing.length);
        assert.ok(missing.every((one) => holes.some((hole) => hole.from <= one && one <= hole.to)));
      }),
    );
  });

  it('are shown shortly', () => {
    const ranges = new NumberRanges();
    ranges.add(3);
    ranges.add(7, 9);
    assert.equal(formatRanges(ranges.ranges), '3, 7-9');
  });
});
