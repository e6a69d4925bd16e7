import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../../src/runtime/clock.ts';

describe('the system clock', () => {
  it('sleeps through waits that are longer than a timer can be', async () => {
    const stop = new AbortController();
    let isAwake = false;
    const sleeping = systemClock.sleep(30 * 86_400_000, stop.signal).then(() => {
      isAwake = true;
    });
    await pause(20);
    assert.equal(isAwake, false);
    stop.abort(new Error('enough'));
    await assert.rejects(sleeping, /enough/);
  });

  it('wakes nobody who was told to stop before', async () => {
    await assert.rejects(systemClock.sleep(1, AbortSignal.abort(new Error('no'))), /no/);
  });
});
