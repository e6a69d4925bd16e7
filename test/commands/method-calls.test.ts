import assert from 'node:assert/strict';
import { type AuditEntry, auditFields } from '../../src/commands/audit.ts';
import { createCommandRouter } from '../../src/commands/command-router.ts';
import type { CallCommand } from '../../src/model/command.ts';
import type { ErrorCode } from '../../src/model/error.ts';
import type { MethodPlan } from '../../src/model/plan.ts';
import type { Value } from '../../src/model/value.ts';
import { HandClock } from '../support/hand-clock.ts';
import { deviceError, NOW_MS, pointPlan, press, RecordedSession } from './plant.ts';

const startProgram: MethodPlan = {
  name: 'startProgram',
  settings: {},
  arguments: [
    { name: 'program', type: 'uint16', isArray: false, min: 1, max: 99 },
    { name: 'offsets', type: 'int64', isArray: true, max: 10 },
    { name: 'mode', type: 'string', isArray: false, values: ['cold', 'warm'] },
    { name: 'tool', type: 'structure', isArray: false, max: 50 },
  ],
  atMostEveryMs: 5_000,
  onlyIf: 'emergencyStop == false',
};
const reset: MethodPlan = { name: 'reset', settings: {}, arguments: [] };
const device = press([pointPlan('emergencyStop', 'boolean')], [startProgram, reset]);
const GOOD = { program: 7, offsets: [1, '-9007199254740993'], mode: 'warm', tool: { radius: 50, cuts: [{ depth: 1 }] } };

const call = (
  id: string,
  method: string,
  given: Readonly<Record<string, Value>> = {},
  more: Partial<CallCommand> = {},
): CallCommand => ({
  id,
  device: 'press-07',
  method,
  arguments: given,
  expiresTimeMs: NOW_MS + 60_000,
  ...more,
});

function start() {
  const session = new RecordedSession();
  session.held.set('emergencyStop', false);
  const clock = new HandClock(NOW_MS);
  const audited: AuditEntry[] = [];
  const plant = { session: session as RecordedSession | undefined };
  const router = createCommandRouter({
    devices: [device],
    invert: (_plan, value) => value,
    engineering: (_plan, reading) => reading,
    latest: () => undefined,
    session: () => plant.session,
    clock,
    audit: (entry) => audited.push(entry),
  });
  const execute = (sent: CallCommand) => router.execute(sent, new AbortController().signal);
  return { session, clock, audited, plant, execute };
}

describe('a call of a method', () => {
  it('reads the interlock, calls once with the arguments in the order of the mapping, and answers with the outputs', async () => {
    const { session, execute } = start();
    session.answerCall = () => ({ called: true, outputs: { job: 7n, warnings: ['oil low'] } });
    const result = await execute(call('1', 'startProgram', { tool: GOOD.tool, mode: 'warm', offsets: GOOD.offsets, program: 7 }));
    const sent = 'startProgram(7, ["1","-9007199254740993"], warm, {"radius":50,"cuts":[{"depth":1}]})';
    assert.deepEqual(session.calls, ['read emergencyStop', `call press-07 ${sent}`]);
    assert.deepEqual(result, {
      id: '1',
      device: 'press-07',
      method: 'startProgram',
      status: 'done',
      points: {},
      outputs: { job: 7n, warnings: ['oil low'] },
    });
  });

  const wrong: readonly (readonly [string, Readonly<Record<string, Value>>, ErrorCode, RegExp])[] = [
    ['an argument too large', { ...GOOD, program: 100 }, 'COMMAND_OUT_OF_RANGE', /`program`: expected at most 99, got 100/],
    ['an element too large', { ...GOOD, offsets: [1, 11] }, 'COMMAND_OUT_OF_RANGE', /`offsets`: expected at most 10/],
    ['a text that is none of those allowed', { ...GOOD, mode: 'hot' }, 'COMMAND_OUT_OF_RANGE', /one of cold, warm/],
    ['a number of another kind', { ...GOOD, program: 1.5 }, 'VALUE_TYPE', /`program`.*whole number/],
    ['a text for a number', { ...GOOD, program: '7' }, 'VALUE_TYPE', /`program`/],
    ['a list for one value', { ...GOOD, program: [7] }, 'VALUE_TYPE', /`program`: expected one uint16/],
    ['one value for a list', { ...GOOD, offsets: 1 }, 'VALUE_TYPE', /`offsets`: expected a list of int64/],
    ['a list of lists', { ...GOOD, offsets: [[1]] }, 'VALUE_TYPE', /`offsets`/],
    [
      'an argument that is missing',
      { program: 7, mode: 'warm', tool: {} },
      'COMMAND_INVALID',
      /`offsets` is missing: expected a list of int64/,
    ],
    ['one value for a structure', { ...GOOD, tool: 7 }, 'VALUE_TYPE', /`tool`: expected one structure/],
    ['a list for a structure', { ...GOOD, tool: [{}] }, 'VALUE_TYPE', /`tool`: expected one structure/],
    ['a part too large', { ...GOOD, tool: { cuts: [{ depth: 51 }] } }, 'COMMAND_OUT_OF_RANGE', /`tool`: expected at most 50/],
    ['an argument that it does not take', { ...GOOD, force: true }, 'COMMAND_INVALID', /no argument `force`/],
    ['several faults, all told', { program: 100 }, 'COMMAND_OUT_OF_RANGE', /at most 99.*`offsets` is missing.*`mode` is missing/],
  ];
  for (const [what, given, code, message] of wrong) {
    it(`is refused with ${what}`, async () => {
      const { session, execute } = start();
      const result = await execute(call('1', 'startProgram', given));
      assert.deepEqual([result.status, result.error?.code], ['refused', code]);
      assert.match(result.error?.message ?? '', message);
      assert.deepEqual(session.calls, [], 'nothing was sent to the device');
    });
  }

  it('is refused where the mapping does not list the method, whatever the device knows', async () => {
    const { session, execute } = start();
    for (const method of ['shutdown', 'constructor', '__proto__', 'emergencyStop']) {
      const { status, error } = await execute(call(method, method));
      assert.deepEqual([status, error?.code], ['refused', 'COMMAND_UNKNOWN']);
    }
    assert.deepEqual(session.calls, []);
  });

  it('is refused while the interlock holds, too soon after the last, too late, and while the connection is down', async () => {
    const { session, clock, plant, execute } = start();
    session.held.set('emergencyStop', true);
    assert.equal((await execute(call('1', 'startProgram', GOOD))).error?.code, 'COMMAND_INTERLOCKED');
    session.held.set('emergencyStop', false);
    assert.equal((await execute(call('2', 'startProgram', GOOD))).status, 'done');
    assert.equal((await execute(call('3', 'startProgram', GOOD))).error?.code, 'COMMAND_TOO_OFTEN');
    await clock.advance(5_000);
    assert.equal((await execute(call('4', 'startProgram', GOOD))).status, 'done');
    assert.equal((await execute(call('5', 'reset', {}, { expiresTimeMs: NOW_MS }))).error?.code, 'COMMAND_EXPIRED');
    plant.session = undefined;
    assert.equal((await execute(call('6', 'reset'))).error?.code, 'LINK_DOWN');
    assert.equal(session.calls.filter((each) => each.startsWith('call')).length, 2);
  });

  it('is made once, however often it is delivered, and not for another one under the same id', async () => {
    const { session, execute } = start();
    const first = await execute(call('1', 'reset'));
    assert.deepEqual(await execute(call('1', 'reset')), first);
    assert.equal((await execute(call('1', 'startProgram', GOOD))).error?.code, 'COMMAND_REPLAYED');
    assert.deepEqual(session.calls, ['call press-07 reset()']);
  });

  it('tells a refusal of the device as failed, and silence as unknown', async () => {
    const { session, execute } = start();
    session.answerCall = () => ({ called: false, error: deviceError('DEVICE_EXCEPTION') });
    const refused = await execute(call('1', 'reset'));
    assert.deepEqual([refused.status, refused.error?.code], ['failed', 'DEVICE_EXCEPTION']);
    session.answerCall = () => ({ called: false, error: deviceError('DEVICE_TIMEOUT') });
    assert.equal((await execute(call('2', 'reset'))).status, 'unknown');
    session.lostAtCall = deviceError('LINK_CLOSED');
    const lost = await execute(call('3', 'reset'));
    assert.deepEqual([lost.status, lost.error?.code], ['unknown', 'LINK_CLOSED']);
  });

  it('is kept in the audit with its arguments and outputs, as plain JSON', async () => {
    const { session, audited, execute } = start();
    session.answerCall = () => ({ called: true, outputs: { job: 7n } });
    await execute(call('1', 'startProgram', GOOD));
    await execute(call('2', 'shutdown', { now: true }));
    const lines = audited
      .map(auditFields)
      .map(({ method, arguments: given, outputs, status, code }) => ({ method, given, outputs, status, code }));
    assert.deepEqual(lines, [
      { method: 'startProgram', given: GOOD, outputs: { job: '7' }, status: 'done', code: undefined },
      { method: 'shutdown', given: { now: true }, outputs: undefined, status: 'refused', code: 'COMMAND_UNKNOWN' },
    ]);
  });
});
