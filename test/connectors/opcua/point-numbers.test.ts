import assert from 'node:assert/strict';
import { PointColumn } from '../../../connectors/opcua/nodes/point-column.ts';
import { numberIn, PointNumbers } from '../../../connectors/opcua/nodes/point-numbers.ts';
import { planPoint } from './support.ts';

const [a, b, c] = ['A', 'B', 'C'].map((name) => planPoint('press', name, {}).point) as [Point, Point, Point];

type Point = ReturnType<typeof planPoint>['point'];

describe('OPC UA point numbers', () => {
  it('are from 0 in the order in which the points came, and stay', () => {
    const numbers = new PointNumbers();
    assert.deepEqual(
      [a, b, a, c].map((point) => numbers.of(point)),
      [0, 1, 0, 2],
    );
    assert.equal(numbers.find(b), 1);
  });

  it('are given to others once they are free, none to two points', () => {
    const numbers = new PointNumbers();
    for (const point of [b, a]) numbers.of(point);
    numbers.free([a, c]);
    assert.equal(numbers.find(a), undefined);
    assert.deepEqual(
      [c, a, b].map((point) => numbers.of(point)),
      [1, 2, 0],
    );
  });

  it('are in the handles, which are others in each round, and below those of events', () => {
    const numbers = new PointNumbers();
    const handles = Array.from({ length: 511 }, () => {
      numbers.beginRound();
      return numbers.handle(70_000);
    });
    assert.equal(new Set(handles).size, handles.length);
    assert.ok(handles.every((handle) => numberIn(handle) === 70_000 && handle < 0x8000_0000));
  });

  it('find what is kept of a point, and nothing of one that is gone', () => {
    const numbers = new PointNumbers();
    const column = new PointColumn<string>(numbers);
    column.set(c, 'c');
    column.set(b, 'b');
    numbers.of(a);
    column.delete(a);
    assert.deepEqual(
      [a, b, c].map((point) => column.get(point)),
      [undefined, 'b', 'c'],
    );
    assert.deepEqual(column.things(), ['c', 'b']);
    assert.deepEqual(
      column.things((_, number) => number === 1),
      ['b'],
    );
    column.delete(c);
    assert.deepEqual([column.get(c), column.things()], [undefined, ['b']]);
  });
});
