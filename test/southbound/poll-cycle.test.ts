import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PollCycle } from '../../src/southbound/poll-cycle.ts';

describe('the moments at which polls are due', () => {
  it('stay where they are while no session is open', () => {
    const cycle = new PollCycle(100, 30);
    cycle.begin(1_000);
    cycle.begin(5_000);
    assert.equal(cycle.dueMs, 1_030);
    cycle.settle();
    assert.deepEqual(cycle.pass(1_530), { polls: 5, firstMs: 1_130, lastMs: 1_530 });
    assert.equal(cycle.dueMs, 1_630);
    assert.equal(cycle.pass(1_629), undefined);
    assert.deepEqual(cycle.resume(1_650), { polls: 1, firstMs: 1_630, lastMs: 1_630 });
  });

  it('begin with the first session where there was none to miss', () => {
    const cycle = new PollCycle(100, 30);
    assert.equal(cycle.pass(500), undefined);
    assert.equal(cycle.resume(1_000), undefined);
    assert.equal(cycle.dueMs, 1_030);
  });

  it('are missed with the poll that was made a little early and cut off', () => {
    const cycle = new PollCycle(100);
    cycle.begin(1_000);
    cycle.make();
    assert.deepEqual(cycle.pass(999.5), { polls: 1, firstMs: 1_000, lastMs: 1_000 });
    assert.equal(cycle.pass(999.7), undefined);
    cycle.make();
    cycle.settle();
    assert.equal(cycle.pass(1_150), undefined);
  });

  it('let the last poll that was missed be made late where the next one is far away', () => {
    const cycle = new PollCycle(60_000);
    cycle.begin(0);
    cycle.settle();
    assert.deepEqual(cycle.resume(200_000), { polls: 2, firstMs: 60_000, lastMs: 120_000 });
    assert.equal(cycle.dueMs, 180_000);
  });

  it('are each polled or missed, once', () => {
    const steps = fc.array(fc.record({ afterMs: fc.nat(500), is: fc.constantFrom('pass', 'resume', 'poll') }), { maxLength: 50 });
    fc.assert(
      fc.property(steps, fc.constantFrom(20, 100, 1_500), (taken, intervalMs) => {
        const cycle = new PollCycle(intervalMs);
        cycle.begin(0);
        let [nowMs, accounted] = [0, 0];
        for (const { afterMs, is } of taken) {
          nowMs += afterMs;
          if (is === 'poll' && cycle.dueMs <= nowMs) {
            cycle.settle();
            accounted += 1;
          }
          if (is !== 'poll') accounted += cycle[is === 'pass' ? 'pass' : 'resume'](nowMs)?.polls ?? 0;
          assert.equal(cycle.dueMs, accounted * intervalMs);
        }
      }),
    );
  });
});
