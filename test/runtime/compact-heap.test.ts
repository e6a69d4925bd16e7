import assert from 'node:assert/strict';
import { getHeapStatistics } from 'node:v8';
import { compactHeap } from '../../src/runtime/compact-heap.ts';

const MIB = 2 ** 20;

/** Objects that live long enough to be moved to where V8 collects rarely, in between others that stay. */
function fragment(): readonly object[] {
  let all = Array.from({ length: 600_000 }, (_, index) => ({ index, text: `text ${index}` }));
  const kept = all.filter((_, index) => index % 100 === 0);
  all = [];
  return kept;
}

describe('compacting the heap', () => {
  it('gives memory back to the system, and leaves no collector for others to call', () => {
    const kept = fragment();
    const before = getHeapStatistics().total_heap_size;
    compactHeap();
    const returned = before - getHeapStatistics().total_heap_size;
    assert.ok(returned > 10 * MIB, `${Math.round(returned / MIB)} MiB given back`);
    assert.deepEqual([kept.length, kept[1]], [6_000, { index: 100, text: 'text 100' }]);
    assert.equal(typeof globalThis.gc, 'undefined');
  });
});
