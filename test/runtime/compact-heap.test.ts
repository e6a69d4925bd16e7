import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
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

  it('lets V8 keep no pages that are nearly empty from then on', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', FRAGMENT_LATER]);
    const { held, used } = JSON.parse(stdout) as { held: number; used: number };
    assert.ok(held < 1.5 * used, `${Math.round(held / MIB)} MiB held for ${Math.round(used / MIB)} MiB`);
  });
});

/** Old objects of which one in a hundred is kept, then work enough for a few collections. */
const FRAGMENT_LATER = `
import { getHeapSpaceStatistics } from 'node:v8';
import { compactHeap } from '${new URL('../../src/runtime/compact-heap.ts', import.meta.url)}';
compactHeap();
let all = Array.from({ length: 600_000 }, (_, index) => ({ index, text: 'text ' + index }));
const kept = all.filter((_, index) => index % 100 === 0);
all = [];
const recent = [];
for (let round = 0; round < 60; round += 1) {
  recent.push(Array.from({ length: 20_000 }, (_, index) => ({ index })));
  if (recent.length > 10) recent.shift();
}
await new Promise((resolve) => setTimeout(resolve, 100));
const { physical_space_size: held, space_used_size: used } = getHeapSpaceStatistics().find((one) => one.space_name === 'old_space');
console.log(JSON.stringify({ held, used, kept: kept.length }));
`;
