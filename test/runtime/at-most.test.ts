import assert from 'node:assert/strict';
import { atMost } from '../../src/runtime/at-most.ts';
import { HandClock, settle } from '../support/hand-clock.ts';

describe('atMost', () => {
  it('waits for work that ends, and leaves no timer behind', async () => {
    const clock = new HandClock();
    await atMost(5_000, Promise.resolve(), clock);
    await settle();
    assert.equal(clock.sleeping, 0);
  });

  it('waits no longer than it was told for work that never ends', async () => {
    const clock = new HandClock();
    let isOver = false;
    const waiting = atMost(5_000, new Promise(() => {}), clock).then(() => {
      isOver = true;
    });
    await clock.advance(4_999);
    assert.equal(isOver, false);
    await clock.advance(1);
    await waiting;
  });

  it('takes work that fails for settled', async () => {
    await atMost(5_000, Promise.reject(new Error('disk')), new HandClock());
  });
});
