import assert from 'node:assert/strict';
import { checkInterlock, createInterlock } from '../../src/commands/interlock.ts';
import { RateGuard } from '../../src/commands/rate-guard.ts';
import { ReplayGuard } from '../../src/commands/replay-guard.ts';
import { Turns } from '../../src/commands/turns.ts';
import type { Command } from '../../src/model/command.ts';
import type { Reading } from '../../src/model/reading.ts';
import { command, NOW_MS, pointPlan, press } from './plant.ts';

function admit(guard: ReplayGuard, sent: Command, nowMs: number) {
  return guard.admit(sent, NOW_MS + 60_000, nowMs);
}

describe('ReplayGuard', () => {
  it('refuses an id seen before, of the same device only', () => {
    const guard = new ReplayGuard({ startedTimeMs: NOW_MS });
    assert.equal(admit(guard, command('1', {}), NOW_MS), undefined);
    assert.equal(admit(guard, command('1', {}), NOW_MS)?.code, 'COMMAND_REPLAYED');
    assert.equal(admit(guard, command('1', {}, { device: 'press-08' }), NOW_MS), undefined);
  });

  it('remembers past the expiry as long as there is room, so that a clock set back opens nothing', () => {
    const guard = new ReplayGuard({ startedTimeMs: NOW_MS });
    admit(guard, command('1', {}), NOW_MS);
    assert.equal(admit(guard, command('1', {}), NOW_MS + 3_600_000)?.code, 'COMMAND_REPLAYED');
  });

  it('forgets expired commands when it is full, and refuses when none has expired', () => {
    const guard = new ReplayGuard({ startedTimeMs: NOW_MS, capacity: 2 });
    admit(guard, command('1', {}), NOW_MS);
    admit(guard, command('2', {}), NOW_MS);
    assert.equal(admit(guard, command('3', {}), NOW_MS)?.code, 'COMMAND_TOO_OFTEN');
    assert.equal(admit(guard, command('3', {}), NOW_MS + 60_000), undefined);
    assert.equal(admit(guard, command('2', {}), NOW_MS + 60_000)?.code, 'COMMAND_REPLAYED');
  });
});

describe('RateGuard', () => {
  const plan = { name: 'speed', id: 'press-07/speed', atMostEveryMs: 5_000 };

  it('refuses a write too soon after the last attempt and tells the wait', () => {
    const guard = new RateGuard();
    assert.equal(guard.check(plan, 0), undefined);
    guard.attempt(plan, 0);
    const refused = guard.check(plan, 4_000);
    assert.equal(refused?.code, 'COMMAND_TOO_OFTEN');
    assert.match(refused?.message ?? '', /1000 ms/);
    assert.equal(guard.check(plan, 5_000), undefined);
  });

  it('lets what has no rule pass', () => {
    const free = { name: 'speed', id: 'press-07/speed' };
    const guard = new RateGuard();
    guard.attempt(free, 0);
    assert.equal(guard.check(free, 0), undefined);
  });
});

describe('checkInterlock', () => {
  const stop = pointPlan('emergencyStop', 'boolean');
  const oil = pointPlan('oil', 'int16');
  const interlock = createInterlock(press([stop, oil]), 'emergencyStop == false && oil < 80');
  const check = (...readings: Reading[]) =>
    checkInterlock(interlock, new Map(readings.map((reading) => [reading.point.id, reading])), NOW_MS);
  const good = (plan: typeof stop, value: boolean | number | string): Reading => ({
    point: plan.point,
    value,
    quality: 'good',
    sourceTimeMs: NOW_MS,
  });

  it('lets pass when it is true on good values', () => {
    assert.equal(check(good(stop, false), good(oil, 60)), undefined);
  });

  it('holds when it is false and tells the values', () => {
    const held = check(good(stop, true), good(oil, 60));
    assert.equal(held?.code, 'COMMAND_INTERLOCKED');
    assert.match(held?.message ?? '', /emergencyStop is true, oil is 60/);
  });

  it('holds when a value is missing and tells which', () => {
    assert.match(check(good(stop, false))?.message ?? '', /no value of oil/);
  });

  for (const quality of ['bad', 'uncertain'] as const) {
    it(`holds when a value is ${quality} and tells which`, () => {
      const held = check(good(stop, false), { ...good(oil, 60), quality, status: 'BadTimeout' });
      assert.match(held?.message ?? '', new RegExp(`oil is ${quality} \\(BadTimeout\\)`));
    });
  }

  it('holds when the values do not fit the expression', () => {
    assert.equal(check(good(stop, false), good(oil, 'hot'))?.code, 'COMMAND_INTERLOCKED');
  });
});

describe('Turns', () => {
  it('lets one piece of work at a time at a device, and others not wait for it', async () => {
    const turns = new Turns();
    const events: string[] = [];
    const gate = Promise.withResolvers<void>();
    const first = turns.take('a', async () => {
      await gate.promise;
      events.push('first');
    });
    const second = turns.take('a', async () => void events.push('second'));
    await turns.take('b', async () => void events.push('other'));
    gate.resolve();
    await Promise.all([first, second]);
    assert.deepEqual(events, ['other', 'first', 'second']);
  });

  it('goes on after work that failed', async () => {
    const turns = new Turns();
    const failing = turns.take('a', () => Promise.reject(new Error('broken')));
    const next = turns.take('a', async () => 'next');
    await assert.rejects(failing ?? Promise.resolve());
    assert.equal(await next, 'next');
  });

  it('takes no more than its bound for one device', async () => {
    const turns = new Turns(1);
    const gate = Promise.withResolvers<void>();
    const first = turns.take('a', () => gate.promise);
    assert.equal(
      turns.take('a', async () => {}),
      undefined,
    );
    gate.resolve();
    await first;
    assert.notEqual(
      turns.take('a', async () => {}),
      undefined,
    );
  });
});
