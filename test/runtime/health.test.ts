import assert from 'node:assert/strict';
import { type Progress, watchHealth } from '../../src/runtime/health.ts';
import { HandClock, settle } from '../support/hand-clock.ts';

function start() {
  const clock = new HandClock();
  const stop = new AbortController();
  const plant = { spool: { mark: 0, isIdle: true } as Progress, delayMs: 0, closed: 0 };
  const close = () => {
    plant.closed += 1;
  };
  const health = watchHealth({
    clock,
    signal: stop.signal,
    parts: () => ({ spool: plant.spool }),
    everyMs: 5_000,
    stallMs: 20_000,
    eventLoop: { takeMs: () => plant.delayMs, close },
  });
  return { clock, stop, plant, health };
}

describe('health', () => {
  it('is well while there is nothing to do', async () => {
    const { clock, health } = start();
    await clock.advance(3_600_000);
    assert.deepEqual(health(), { isHealthy: true, reasons: [] });
  });

  it('is well while a part with work moves, however slowly', async () => {
    const { clock, plant, health } = start();
    for (let mark = 1; mark < 20; mark += 1) {
      plant.spool = { mark, isIdle: false };
      await clock.advance(15_000);
      assert.equal(health().isHealthy, true);
    }
  });

  it('is ill when a part with work stands still, tells which, and recovers when it moves', async () => {
    const { clock, plant, health } = start();
    plant.spool = { mark: 7, isIdle: false };
    await clock.advance(20_000);
    assert.equal(health().isHealthy, true);
    await clock.advance(5_000);
    assert.deepEqual(health(), { isHealthy: false, reasons: ['spool has work and has not moved for 20 s'] });
    plant.spool = { mark: 8, isIdle: false };
    await clock.advance(5_000);
    assert.equal(health().isHealthy, true);
  });

  it('counts from new when work comes after a rest', async () => {
    const { clock, plant, health } = start();
    await clock.advance(60_000);
    plant.spool = { mark: 0, isIdle: false };
    await clock.advance(15_000);
    assert.equal(health().isHealthy, true);
  });

  it('is ill while the event loop is late', async () => {
    const { clock, plant, health } = start();
    plant.delayMs = 1_500;
    await clock.advance(5_000);
    assert.deepEqual(health().reasons, ['event loop is 1500 ms late, at most 1000 ms is healthy']);
    plant.delayMs = 10;
    await clock.advance(5_000);
    assert.equal(health().isHealthy, true);
  });

  it('ends with the signal and gives back what it holds', async () => {
    const { clock, stop, plant, health } = start();
    await settle();
    stop.abort();
    await settle();
    assert.deepEqual([clock.sleeping, plant.closed, health().isHealthy], [0, 1, true]);
  });

  it('is ill when the watch itself breaks', async () => {
    const { clock, plant, health } = start();
    Object.defineProperty(plant, 'spool', { get: () => assert.fail('broken') });
    await clock.advance(5_000);
    assert.equal(health().isHealthy, false);
  });
});
