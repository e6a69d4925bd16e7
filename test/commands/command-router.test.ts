import assert from 'node:assert/strict';
import { type AuditEntry, auditFields } from '../../src/commands/audit.ts';
import { createCommandRouter } from '../../src/commands/command-router.ts';
import { GatewayError } from '../../src/model/error.ts';
import type { PointPlan } from '../../src/model/plan.ts';
import type { Reading } from '../../src/model/reading.ts';
import type { Value } from '../../src/model/value.ts';
import { HandClock } from '../support/hand-clock.ts';
import { command, deviceError, NOW_MS, pointPlan, press, RecordedSession } from './plant.ts';

const speed = pointPlan('speed', 'uint16', { min: 0, max: 1_500, atMostEveryMs: 5_000, onlyIf: 'emergencyStop == false' });
const valve = pointPlan('valve', 'boolean', {});
const blind = pointPlan('reset', 'boolean', {}, { access: 'write' });
const guarded = pointPlan('guarded', 'uint16', { onlyIf: 'load < 90' });
const stop = pointPlan('emergencyStop', 'boolean');
const load = pointPlan('load', 'float64', undefined, { address: undefined });
const device = press([speed, valve, blind, guarded, stop, load]);

/** The device holds tenths. */
const invert = ({ point }: PointPlan, value: Value): Value => (point.name === 'speed' ? Number(value) * 10 : value);
const engineering = ({ point }: PointPlan, reading: Reading): Reading =>
  point.name === 'speed' ? { ...reading, value: Number(reading.value) / 10 } : reading;

function start() {
  const session = new RecordedSession();
  session.held.set('emergencyStop', false);
  const clock = new HandClock(NOW_MS);
  const audited: AuditEntry[] = [];
  const plant = { session: session as RecordedSession | undefined, latest: new Map<string, Reading>() };
  const router = createCommandRouter({
    devices: [device],
    invert,
    engineering,
    latest: ({ id }) => plant.latest.get(id),
    session: () => plant.session,
    clock,
    audit: (entry) => audited.push(entry),
  });
  const execute = (sent: ReturnType<typeof command>) => router.execute(sent, new AbortController().signal);
  return { session, clock, audited, plant, execute, router };
}

const codesOf = (points: Readonly<Record<string, { readonly error?: { readonly code: string } }>>) =>
  Object.fromEntries(Object.entries(points).map(([name, { error }]) => [name, error?.code]));

describe('command router', () => {
  it('reads the interlock, writes once, reads back and answers in engineering values', async () => {
    const { session, execute } = start();
    const result = await execute(command('1', { speed: 120 }));
    assert.deepEqual(session.calls, ['read emergencyStop', 'write speed=1200', 'read speed']);
    assert.deepEqual(result, {
      id: '1',
      device: 'press-07',
      status: 'done',
      points: { speed: { status: 'written', value: 120 } },
    });
  });

  it('writes nothing when one of several points is refused, and tells every reason', async () => {
    const { session, execute } = start();
    const result = await execute(command('1', { speed: 9_999, valve: true, emergencyStop: true, ghost: 1 }));
    assert.equal(result.status, 'refused');
    assert.deepEqual(codesOf(result.points), {
      speed: 'COMMAND_OUT_OF_RANGE',
      valve: undefined,
      emergencyStop: 'COMMAND_READ_ONLY',
      ghost: 'COMMAND_UNKNOWN',
    });
    assert.deepEqual(session.calls, []);
  });

  const refused: readonly (readonly [string, ReturnType<typeof command>, string])[] = [
    ['an unknown twin', command('1', { speed: 1 }, { device: 'press-08' }), 'COMMAND_UNKNOWN'],
    ['a command without points', command('1', {}), 'COMMAND_INVALID'],
    ['an expired command', command('1', { speed: 1 }, { expiresTimeMs: NOW_MS }), 'COMMAND_EXPIRED'],
    ['a command whose expiry is no time', command('1', { speed: 1 }, { expiresTimeMs: Number.NaN }), 'COMMAND_EXPIRED'],
  ];
  for (const [what, sent, code] of refused) {
    it(`refuses ${what} with ${code}`, async () => {
      const { session, execute } = start();
      const result = await execute(sent);
      assert.deepEqual([result.status, result.error?.code, session.calls], ['refused', code, []]);
    });
  }

  it('gives the same answer to a command that is delivered again, before or after the first answer, and writes once', async () => {
    const { session, audited, execute } = start();
    const [first, meanwhile] = await Promise.all([
      execute(command('1', { valve: true })),
      execute(command('1', { valve: true })),
    ]);
    const later = await execute(command('1', { valve: true }, { expiresTimeMs: NOW_MS + 90_000 }));
    assert.equal(first.status, 'done');
    assert.deepEqual([meanwhile, later], [first, first]);
    assert.equal(session.calls.filter((call) => call.startsWith('write')).length, 1);
    assert.deepEqual(
      audited.map((entry) => auditFields(entry).repeated),
      [undefined, true, true],
    );
  });

  it('writes to where the point is when it comes to its turn, not where it was when the command came', async () => {
    const { session, execute, router } = start();
    const addresses: unknown[] = [];
    session.answer = ({ point }) => {
      addresses.push(point.address);
      return { written: true };
    };
    const moved = pointPlan('valve', 'boolean', {}, { address: { holding: 2 } });
    session.beforeWrite = async () => router.resolve(press([speed, moved, stop]));
    const own = { id: 'own', device: 'press-07', desired: { valve: false } };
    await Promise.all([
      execute(command('1', { valve: true })),
      execute(command('2', { valve: true })),
      router.writeOwn(own, { signal: new AbortController().signal }),
    ]);
    assert.deepEqual(addresses, [{ holding: 1 }, { holding: 2 }, { holding: 2 }]);
  });

  it('writes nothing that is no longer wanted, or comes after the stop, when it comes to its turn', async () => {
    const { session, execute, router } = start();
    const over = new AbortController();
    session.beforeWrite = async () => over.abort();
    const own = { id: 'own', device: 'press-07', desired: { valve: true } };
    const { signal } = new AbortController();
    const results = await Promise.all([
      execute(command('1', { valve: true })),
      router.execute(command('2', { valve: false }), over.signal),
      router.writeOwn(own, { signal: over.signal }),
      router.writeOwn(own, { signal, isWanted: () => !over.signal.aborted }),
    ]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['done', 'refused', 'refused', 'refused'],
    );
    assert.equal(session.calls.filter((call) => call.startsWith('write')).length, 1);
  });

  it('does not take another command with an id seen before', async () => {
    const { session, execute } = start();
    await execute(command('1', { valve: true }));
    const other = await execute(command('1', { valve: false }));
    assert.deepEqual([other.status, other.error?.code], ['refused', 'COMMAND_REPLAYED']);
    assert.equal(session.calls.filter((call) => call.startsWith('write')).length, 1);
  });

  it('forgets old answers but not that the commands were there', async () => {
    const { session, execute } = start();
    for (let id = 0; id < 100; id += 1) await execute(command(`${id}`, { valve: true }));
    assert.equal((await execute(command('0', { valve: true }))).error?.code, 'COMMAND_REPLAYED');
    assert.equal((await execute(command('99', { valve: true }))).status, 'done');
    assert.equal(session.calls.filter((call) => call.startsWith('write')).length, 100);
  });

  it('keeps the time between two writes of a point', async () => {
    const { clock, execute } = start();
    await execute(command('1', { speed: 1 }));
    const early = await execute(command('2', { speed: 2 }));
    assert.deepEqual(codesOf(early.points), { speed: 'COMMAND_TOO_OFTEN' });
    await clock.advance(5_000);
    assert.equal((await execute(command('3', { speed: 2 }))).status, 'done');
  });

  it('does not write while the interlock holds', async () => {
    const { session, execute } = start();
    session.held.set('emergencyStop', true);
    const result = await execute(command('1', { speed: 1, valve: true }));
    assert.deepEqual([result.status, codesOf(result.points)], ['refused', { speed: 'COMMAND_INTERLOCKED', valve: undefined }]);
    assert.deepEqual(session.calls, ['read emergencyStop']);
  });

  it('does not write when an input of the interlock cannot be read, and says which', async () => {
    const { session, execute } = start();
    session.held.delete('emergencyStop');
    const result = await execute(command('1', { speed: 1 }));
    assert.match(result.points.speed?.error?.message ?? '', /emergencyStop is bad \(BadTimeout\)/);
  });

  it('takes the last value of a derived point for the interlock', async () => {
    const { plant, execute } = start();
    const missing = await execute(command('1', { guarded: 1 }));
    assert.deepEqual(codesOf(missing.points), { guarded: 'COMMAND_INTERLOCKED' });
    plant.latest.set(load.point.id, { point: load.point, value: 40, quality: 'good', sourceTimeMs: NOW_MS });
    assert.equal((await execute(command('2', { guarded: 1 }))).status, 'done');
  });

  it('refuses while the connection is down', async () => {
    const { plant, execute } = start();
    plant.session = undefined;
    const result = await execute(command('1', { speed: 1 }));
    assert.deepEqual([result.status, result.error?.code], ['refused', 'LINK_DOWN']);
  });

  it('refuses when the connection is lost before the write', async () => {
    const { session, execute } = start();
    session.lostAtRead = deviceError('LINK_CLOSED');
    const result = await execute(command('1', { speed: 1 }));
    assert.deepEqual([result.status, result.error?.code], ['refused', 'LINK_CLOSED']);
    assert.deepEqual(session.calls, ['read emergencyStop']);
  });

  it('tells the value the device shows when it is not the one written', async () => {
    const { session, execute } = start();
    session.held.set('valve', false);
    session.answer = () => ({ written: true });
    const result = await execute(command('1', { valve: true }));
    assert.equal(result.status, 'failed');
    assert.deepEqual([result.points.valve?.status, result.points.valve?.value], ['failed', false]);
  });

  it('tells a refusal of the device as failed', async () => {
    const { session, execute } = start();
    session.answer = () => ({ written: false, error: deviceError('DEVICE_EXCEPTION') });
    const result = await execute(command('1', { valve: true }));
    assert.deepEqual([result.points.valve?.status, codesOf(result.points)], ['failed', { valve: 'DEVICE_EXCEPTION' }]);
    assert.deepEqual(session.calls, ['write valve=true']);
  });

  it('tells `unknown` and does not write again when the device stayed silent', async () => {
    const { session, execute } = start();
    session.held.set('valve', false);
    session.answer = () => ({ written: false, error: deviceError('DEVICE_TIMEOUT') });
    const result = await execute(command('1', { valve: true }));
    assert.deepEqual([result.status, result.points.valve?.status, result.points.valve?.value], ['failed', 'unknown', false]);
    assert.deepEqual(session.calls, ['write valve=true', 'read valve']);
  });

  it('tells `written` when the device stayed silent but shows the value', async () => {
    const { session, execute } = start();
    session.answer = ({ point, value }) => {
      session.held.set(point.name, value);
      return { written: false, error: deviceError('DEVICE_TIMEOUT') };
    };
    assert.equal((await execute(command('1', { valve: true }))).status, 'done');
  });

  it('tells `unknown` when the connection is lost during the write', async () => {
    const { session, execute } = start();
    session.lostAtWrite = deviceError('LINK_CLOSED');
    const result = await execute(command('1', { valve: true }));
    assert.deepEqual([result.status, result.points.valve?.status], ['failed', 'unknown']);
  });

  it('tells `unknown` when the value cannot be read back', async () => {
    const { session, execute } = start();
    session.answer = () => ({ written: true });
    assert.equal((await execute(command('1', { valve: true }))).points.valve?.status, 'unknown');
  });

  it('does not read back a point that can only be written', async () => {
    const { session, execute } = start();
    const result = await execute(command('1', { reset: true }));
    assert.deepEqual([result.points, session.calls], [{ reset: { status: 'written' } }, ['write reset=true']]);
  });

  it('refuses a command that expired while another was at work', async () => {
    const { session, clock, execute } = start();
    const gate = Promise.withResolvers<void>();
    session.beforeWrite = () => gate.promise;
    const first = execute(command('1', { valve: true }));
    const second = execute(command('2', { valve: false }));
    await clock.advance(60_000);
    gate.resolve();
    assert.equal((await first).status, 'done');
    assert.equal((await second).error?.code, 'COMMAND_EXPIRED');
  });

  it('does not write when the command expired while the interlock was read', async () => {
    const { session, clock, execute } = start();
    session.beforeRead = () => clock.advance(60_000);
    const result = await execute(command('1', { speed: 1 }));
    assert.deepEqual([result.error?.code, session.calls], ['COMMAND_EXPIRED', ['read emergencyStop']]);
  });

  it('answers `failed` when something is broken inside, and goes on', async () => {
    const { plant, execute } = start();
    Object.defineProperty(plant, 'session', { get: () => assert.fail('broken') });
    const result = await execute(command('1', { valve: true }));
    assert.deepEqual([result.status, result.error?.code], ['failed', 'BUG']);
  });

  it('keeps one audit entry of each command, refused ones too', async () => {
    const { audited, execute } = start();
    await execute(command('1', { speed: 120 }));
    await execute(command('2', { ghost: 9_007_199_254_740_993n }));
    assert.deepEqual(
      audited.map(({ command: { id }, result: { status } }) => [id, status]),
      [
        ['1', 'done'],
        ['2', 'refused'],
      ],
    );
    const fields = audited.map(auditFields);
    assert.deepEqual(fields[1]?.desired, { ghost: '9007199254740993' });
  });

  it('throws at the start when an interlock cannot be understood', () => {
    const broken = press([pointPlan('speed', 'uint16', { onlyIf: 'emergencyStop ==' })]);
    const options = {
      devices: [broken],
      invert,
      engineering,
      latest: () => undefined,
      session: () => undefined,
      audit: () => {},
    };
    assert.throws(() => createCommandRouter({ ...options, clock: new HandClock() }), GatewayError);
  });
});
