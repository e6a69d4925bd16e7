import assert from 'node:assert/strict';
import { createAlarm, remainingMs } from '../../src/pipeline/alarm.ts';
import { HandScheduler } from '../support/hand-scheduler.ts';

/** The longest wait of a timer in Node. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

describe('the alarm of an operator', () => {
  it('rings early for a wait that no timer can hold, and never asks for a longer one', () => {
    const scheduler = new HandScheduler();
    let rings = 0;
    createAlarm(scheduler, () => {
      rings += 1;
    }).within(30 * 86_400_000);
    scheduler.advance(LONGEST_TIMER_MS - 1);
    assert.equal(rings, 0);
    scheduler.advance(1);
    assert.equal(rings, 1);
  });

  it('has nothing left to wait when the clock was set back', () => {
    assert.equal(remainingMs(10_000, 5_000, 12_000), 3_000);
    assert.equal(remainingMs(10_000, 5_000, 9_000), 0);
  });
});
