import assert from 'node:assert/strict';
import { byPoint, rosterOf } from '../../src/pipeline/roster.ts';
import { deviceOf } from '../support/device.ts';

describe('a roster', () => {
  const { points } = deviceOf({ points: { a: { scale: 2 }, b: {}, c: { scale: 2 } } });

  it('numbers the points of a mapping in its order, also for a copy of the point', () => {
    const roster = rosterOf(points);
    assert.deepEqual(
      points.map(({ point }) => roster.indexOf({ ...point })),
      [0, 1, 2],
    );
    assert.equal(rosterOf(points), roster);
  });

  it('gives points that are not in the mapping a number of their own', () => {
    const { points: others } = deviceOf({ twin: 'press-08', points: { a: {}, b: {} } });
    const roster = rosterOf([...points]);
    const numbers = [...others, ...others].map(({ point }) => roster.indexOf(point));
    assert.deepEqual(numbers, [3, 4, 3, 4]);
  });

  it('makes what depends on keys once for all points with the same', () => {
    const [a, b] = points;
    assert.ok(a !== undefined && b !== undefined);
    const shared = [a, b, { ...b, keys: a.keys }];
    const asked: string[] = [];
    const made = byPoint(shared, ({ point, keys }) => {
      asked.push(point.name);
      return keys.scale;
    });
    assert.deepEqual(
      [made, asked],
      [
        [2, undefined, 2],
        ['a', 'b'],
      ],
    );
  });
});
