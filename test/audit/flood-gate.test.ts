import assert from 'node:assert/strict';
import fc from 'fast-check';
import { FloodGate } from '../../src/audit/flood-gate.ts';

describe('FloodGate', () => {
  it('lets a burst through, then one by one at its pace, each key for itself', () => {
    let nowMs = 0;
    const gate = new FloodGate({ burst: 3, perSecond: 2 }, () => nowMs);
    const pass = (key: string, count: number) => Array.from({ length: count }, () => gate.pass(key));
    assert.deepEqual(pass('a', 5), [0, 0, 0, undefined, undefined]);
    assert.deepEqual(pass('b', 1), [0]);
    nowMs = 500;
    assert.deepEqual(pass('a', 2), [2, undefined]);
    nowMs = 60_000;
    assert.deepEqual(pass('a', 4), [1, 0, 0, undefined]);
    assert.deepEqual([gate.takeHeldBack(), gate.takeHeldBack()], [[['a', 1]], []]);
  });

  it('counts each one exactly once, whatever comes when', () => {
    const steps = fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.integer({ min: 0, max: 2_000 })), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (all) => {
        let nowMs = 0;
        const gate = new FloodGate({ burst: 5, perSecond: 1 }, () => nowMs);
        let told = 0;
        for (const [key, waitMs] of all) {
          nowMs += waitMs;
          const heldBack = gate.pass(key);
          told += heldBack === undefined ? 0 : 1 + heldBack;
        }
        for (const [, count] of gate.takeHeldBack()) told += count;
        assert.equal(told, all.length);
      }),
    );
  });
});
