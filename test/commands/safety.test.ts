import assert from 'node:assert/strict';
import { type AuditEntry, auditFields } from '../../src/commands/audit.ts';
import { createCommandRouter } from '../../src/commands/command-router.ts';
import type { Command } from '../../src/model/command.ts';
import type { MethodPlan } from '../../src/model/plan.ts';
import type { Reading } from '../../src/model/reading.ts';
import { HandClock, settle } from '../support/hand-clock.ts';
import { command, NOW_MS, pointPlan, press, RecordedSession } from './plant.ts';

const load = pointPlan('load', 'float64', undefined, { address: undefined });
const stop = pointPlan('emergencyStop', 'boolean');
const slow = pointPlan('slow', 'uint16', { confirmWithinMs: 2_000 });
const brief = pointPlan('brief', 'uint16', { expiresMs: 5_000 });
const aged = pointPlan('aged', 'uint16', { onlyIf: 'load < 90', maxAgeMs: 5_000 });
const held = pointPlan('held', 'uint16', { max: 10, approveWithinMs: 60_000, onlyIf: 'emergencyStop == false' });
const rated = pointPlan('rated', 'uint16', { max: 10, atMostEveryMs: 1_000, onlyIf: 'emergencyStop == false' });
const launch: MethodPlan = { name: 'launch', settings: {}, arguments: [], approveWithinMs: 60_000 };

function start() {
  const session = new RecordedSession();
  session.held.set('emergencyStop', false);
  const clock = new HandClock(NOW_MS);
  const audited: AuditEntry[] = [];
  const latest = new Map<string, Reading>();
  const router = createCommandRouter({
    devices: [press([load, stop, slow, brief, aged, held, rated], [launch])],
    invert: (_point, value) => Number(value) * 10,
    engineering: (_point, reading) => (typeof reading.value === 'number' ? { ...reading, value: reading.value / 10 } : reading),
    latest: ({ id }) => latest.get(id),
    session: () => session,
    clock,
    audit: (entry) => audited.push(entry),
  });
  const execute = (sent: Command) => router.execute(sent, new AbortController().signal);
  return { session, clock, audited, latest, router, execute };
}

const approval = (id: string, by?: string): Command => ({
  id,
  device: 'press-07',
  approves: true,
  ...(by === undefined ? {} : { by }),
});

const undated = (id: string, point: string, more: object = {}): Command => ({
  id,
  device: 'press-07',
  desired: { [point]: 1 },
  ...more,
});

describe('a dry run', () => {
  const dry = (id: string, desired: Readonly<Record<string, number>>) => command(id, desired, { isDryRun: true });

  it('tells what the device would be given, reads interlocks and writes nothing', async () => {
    const { session, execute } = start();
    const result = await execute(dry('1', { rated: 7 }));
    assert.deepEqual(result, {
      id: '1',
      device: 'press-07',
      status: 'checked',
      points: { rated: { status: 'checked', deviceValue: 70 } },
    });
    assert.deepEqual(session.calls, ['read emergencyStop']);
  });

  it('is refused for what the command itself would be refused for', async () => {
    const { session, execute } = start();
    assert.equal((await execute(dry('1', { rated: 11 }))).points.rated?.error?.code, 'COMMAND_OUT_OF_RANGE');
    session.held.set('emergencyStop', true);
    assert.equal((await execute(dry('2', { rated: 1 }))).points.rated?.error?.code, 'COMMAND_INTERLOCKED');
    assert.equal((await execute({ ...dry('3', { rated: 1 }), expiresTimeMs: NOW_MS })).error?.code, 'COMMAND_EXPIRED');
  });

  it('uses up neither the id nor the rate, and needs nobody to approve', async () => {
    const { session, execute } = start();
    assert.equal((await execute(dry('1', { rated: 7, held: 1 }))).status, 'checked');
    assert.equal((await execute(command('1', { rated: 7 }))).status, 'done');
    assert.equal((await execute(dry('2', { rated: 7 }))).points.rated?.error?.code, 'COMMAND_TOO_OFTEN');
    assert.deepEqual(
      session.calls.filter((call) => call.startsWith('write')),
      ['write rated=70'],
    );
  });
});

describe('approval by a second person', () => {
  it('holds the command and does it once when another person says yes', async () => {
    const { session, audited, execute } = start();
    const first = await execute(command('1', { held: 3 }, { by: 'anna' }));
    assert.deepEqual([first.status, first.heldUntilTimeMs, session.calls], ['held', NOW_MS + 60_000, []]);
    const second = await execute(approval('1', 'ben'));
    assert.deepEqual([second.status, second.points.held], ['done', { status: 'written', value: 3 }]);
    assert.deepEqual(await execute(approval('1', 'ben')), second);
    assert.deepEqual(await execute(command('1', { held: 3 }, { by: 'anna' })), second);
    assert.equal((await execute(approval('1', 'cora'))).error?.code, 'COMMAND_UNKNOWN');
    assert.deepEqual(session.calls, ['read emergencyStop', 'write held=30', 'read held']);
    const { by, requested_by: requestedBy } = auditFields(audited[1] ?? assert.fail('no entry'));
    assert.deepEqual([by, requestedBy], ['ben', 'anna']);
  });

  for (const name of ['anna', 'Anna', ' ANNA ', 'ａｎｎａ']) {
    it(`is not given by \`${name}\` to what anna asks, and the command goes on waiting`, async () => {
      const { session, execute } = start();
      await execute(command('1', { held: 3 }, { by: 'anna' }));
      assert.equal((await execute(approval('1', name))).error?.code, 'COMMAND_NOT_APPROVED');
      assert.deepEqual(session.calls, []);
      assert.equal((await execute(approval('1', 'ben'))).status, 'done');
    });
  }

  it('needs both names', async () => {
    const { session, execute } = start();
    assert.equal((await execute(command('1', { held: 3 }))).error?.code, 'COMMAND_NOT_APPROVED');
    await execute(command('2', { held: 3 }, { by: 'anna' }));
    assert.equal((await execute(approval('2'))).error?.code, 'COMMAND_NOT_APPROVED');
    assert.deepEqual(session.calls, []);
  });

  it('looks at the interlock when it is given, not when it was asked for', async () => {
    const { session, execute } = start();
    await execute(command('1', { held: 3 }, { by: 'anna' }));
    session.held.set('emergencyStop', true);
    assert.equal((await execute(approval('1', 'ben'))).points.held?.error?.code, 'COMMAND_INTERLOCKED');
  });

  it('comes too late after the time of the mapping, which is told once', async () => {
    const { session, audited, clock, execute } = start();
    await execute(command('1', { held: 3 }, { by: 'anna', expiresTimeMs: NOW_MS + 600_000 }));
    await clock.advance(60_000);
    assert.deepEqual(
      audited.map(({ result }) => [result.status, result.error?.code]),
      [
        ['held', undefined],
        ['refused', 'COMMAND_NOT_APPROVED'],
      ],
    );
    assert.equal((await execute(approval('1', 'ben'))).error?.code, 'COMMAND_UNKNOWN');
    assert.deepEqual(session.calls, []);
  });

  it('comes too late after the end of the command', async () => {
    const { clock, execute } = start();
    const first = await execute(command('1', { held: 3 }, { by: 'anna', expiresTimeMs: NOW_MS + 10_000 }));
    assert.equal(first.heldUntilTimeMs, NOW_MS + 10_000);
    await clock.advance(10_000);
    assert.equal((await execute(approval('1', 'ben'))).error?.code, 'COMMAND_UNKNOWN');
  });

  it('is needed for methods, too', async () => {
    const { session, execute } = start();
    const call = { id: '1', device: 'press-07', method: 'launch', arguments: {}, by: 'anna' };
    assert.equal((await execute(call)).status, 'held');
    assert.equal((await execute(approval('1', 'ben'))).status, 'done');
    assert.deepEqual(session.calls, ['call press-07 launch()']);
  });

  it('waits for a bounded number of commands, and leaves no timer at the end', async () => {
    const { clock, router, execute } = start();
    for (let id = 0; id < 100; id += 1) await execute(command(`${id}`, { held: 3 }, { by: 'anna' }));
    assert.equal((await execute(command('100', { held: 3 }, { by: 'anna' }))).error?.code, 'COMMAND_TOO_OFTEN');
    router.close();
    await settle();
    assert.equal(clock.sleeping, 0);
    assert.equal((await execute(approval('1', 'ben'))).error?.code, 'COMMAND_UNKNOWN');
  });
});

describe('confirmation within a time', () => {
  it('looks again until the device shows the value, and writes once', async () => {
    const { session, clock, execute } = start();
    session.held.set('slow', 0);
    session.answer = () => ({ written: true });
    const answered = execute(command('1', { slow: 5 }));
    await clock.advance(1_000);
    session.held.set('slow', 50);
    await clock.advance(1_000);
    const result = await answered;
    assert.deepEqual(result.points.slow, { status: 'written', value: 5 });
    assert.equal(session.calls.filter((call) => call.startsWith('write')).length, 1);
  });

  it('ends with what the device shows when the time is over', async () => {
    const { session, clock, execute } = start();
    session.held.set('slow', 0);
    session.answer = () => ({ written: true });
    const answered = execute(command('1', { slow: 5 }));
    await clock.advance(2_000);
    const { points } = await answered;
    assert.deepEqual([points.slow?.status, points.slow?.value], ['failed', 0]);
    assert.equal(clock.monotonicMs() - NOW_MS, 2_000);
  });
});

describe('how long a command lives', () => {
  const delayed = async (sent: Command) => {
    const { session, clock, execute } = start();
    const gate = Promise.withResolvers<void>();
    session.beforeWrite = () => gate.promise;
    const before = execute(undated('0', 'rated'));
    const late = execute(sent);
    await clock.advance(6_000);
    gate.resolve();
    await before;
    return (await late).error?.code;
  };

  it('is told by the mapping where the command names no end', async () => {
    assert.equal(await delayed(undated('1', 'brief')), 'COMMAND_EXPIRED');
    assert.equal(await delayed(undated('1', 'rated')), undefined);
    assert.equal(await delayed(undated('1', 'brief', { expiresTimeMs: NOW_MS + 60_000 })), undefined);
  });

  it('counts from when it was issued, where that is told', async () => {
    const { clock, execute } = start();
    await clock.advance(60_000);
    const nowMs = clock.nowMs();
    assert.equal((await execute(undated('1', 'rated', { issuedTimeMs: nowMs - 30_000 }))).error?.code, 'COMMAND_EXPIRED');
    assert.equal((await execute(undated('2', 'rated', { issuedTimeMs: nowMs - 29_000 }))).status, 'done');
  });

  for (const issuedTimeMs of [NOW_MS + 3_600_000, Number.NaN]) {
    it(`is nothing for a command issued at ${issuedTimeMs}`, async () => {
      const { execute } = start();
      const sent = undated('1', 'rated', { issuedTimeMs, expiresTimeMs: NOW_MS + 7_200_000 });
      assert.equal((await execute(sent)).error?.code, 'COMMAND_EXPIRED');
    });
  }
});

describe('the age of a computed value in an interlock', () => {
  for (const [ageMs, code] of [
    [5_000, undefined],
    [5_001, 'COMMAND_INTERLOCKED'],
    [-5_001, 'COMMAND_INTERLOCKED'],
  ] as const) {
    it(`of ${ageMs} ms makes ${code ?? 'no difference'}`, async () => {
      const { latest, execute } = start();
      latest.set(load.point.id, { point: load.point, value: 40, quality: 'good', sourceTimeMs: NOW_MS - ageMs });
      assert.equal((await execute(command('1', { aged: 1 }))).points.aged?.error?.code, code);
    });
  }
});
