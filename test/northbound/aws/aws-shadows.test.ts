import assert from 'node:assert/strict';
import type { Command, CommandResult } from '../../../src/model/command.ts';
import { RETRY_AFTER_MS } from '../../../src/northbound/dialects/aws-iot-core/wishes.ts';
import { type Clock, systemClock } from '../../../src/runtime/clock.ts';
import { settle } from '../../support/hand-clock.ts';
import { property, until } from './plant.ts';
import { type AwsRig, eachWithAws } from './rig.ts';

describe('dialect aws-iot-core: shadows', () => {
  let aws: AwsRig;

  eachWithAws({ jobs: false }, (rig) => {
    aws = rig;
  });

  const shadow = (name = 'press-07') => aws.emulator.shadows.document('gw-01', name);
  const reported = (name = 'press-07') => {
    const { _gateway: own, ...values } = shadow(name)?.reported ?? {};
    return { own: own as Record<string, unknown> | undefined, values };
  };
  const written = ({ id, device }: Command, point: string, value: number): CommandResult => ({
    id,
    device,
    status: 'done',
    points: { [point]: { status: 'written', value } },
  });
  const desiredOf = (command: Command | undefined) =>
    command !== undefined && 'desired' in command ? command.desired : undefined;

  it('reports a property to the named shadow of its twin, and resolves when AWS has taken it', async () => {
    await aws.open();
    const bytes = await aws.session.publish(property(1, { emergencyStop: [5, true], mode: [9, 'auto'] }, { startTimeMs: 0 }));
    assert.ok(bytes > 50);
    const { own, values } = reported();
    assert.deepEqual(values, { emergencyStop: true, mode: 'auto' });
    assert.deepEqual(own, { epoch: 'e1', seq: 1, time: '1970-01-01T00:00:00.009Z' });
  });

  it('names the shadow of a twin with a dot in its name by a colon', async () => {
    await aws.open();
    await aws.session.publish(property(1, { level: [0, 4] }, { twin: 'hall.meter' }));
    assert.deepEqual(reported('hall:meter').values, { level: 4 });
  });

  it('takes a point without a value out, says why, and takes that back', async () => {
    await aws.open();
    await aws.session.publish(property(1, { level: [0, 4] }));
    await aws.session.publish(property(2, { level: [0, null, 'bad', 'BadTimeout'] }));
    assert.deepEqual([reported().values, reported().own?.quality], [{}, { level: 'BadTimeout' }]);
    await aws.reopen();
    await aws.session.publish(property(3, { level: [0, 5] }));
    assert.deepEqual([reported().values, reported().own?.quality], [{ level: 5 }, {}]);
  });

  it('says that a time was not known, and takes that back', async () => {
    await aws.open();
    await aws.session.publish(property(1, { level: [0, 4] }, { clock: { boot: 'b', offsetMs: 0 } }));
    assert.equal(reported().own?.clock, 'unsynchronised');
    await aws.reopen();
    await aws.session.publish(property(2, { level: [0, 5] }));
    assert.deepEqual(reported().own, { epoch: 'e1', seq: 2, time: reported().own?.time });
  });

  it('keeps the order of reports, however many are under way', async () => {
    aws.emulator.jitterMs = 20;
    await aws.open();
    await Promise.all(Array.from({ length: 30 }, (_, index) => aws.session.publish(property(index + 1, { level: [0, index] }))));
    assert.deepEqual(
      aws.emulator.shadows.reports.map(({ reported: { level } }) => level),
      Array.from({ length: 30 }, (_, index) => index),
    );
  }).timeout(10_000);

  it('does not report again what was taken and only its answer lost', async () => {
    await aws.open();
    await aws.session.publish(property(1, { level: [0, 1] }));
    await aws.session.publish(property(2, { level: [0, 2] }));
    await aws.reopen();
    await Promise.all([aws.session.publish(property(1, { level: [0, 1] })), aws.session.publish(property(2, { level: [0, 2] }))]);
    await aws.session.publish(property(3, { level: [0, 3] }));
    assert.deepEqual(
      aws.emulator.shadows.reports.map(({ reported: { level } }) => level),
      [1, 2, 3],
    );
  });

  it('sends what a device tells of its past to the topic, never to the shadow', async () => {
    await aws.open();
    await aws.session.publish(property(1, { level: [0, 7] }));
    await aws.session.publish(property(2, { level: [0, 1] }, { isHistory: true }));
    assert.deepEqual(reported().values, { level: 7 });
    const history = aws.emulator.broker.publishes.find(({ topic }) => topic === 'dt/gw-01/press-07/property');
    assert.equal(JSON.parse(history?.payload.toString() ?? '{}').history, true);
  });

  for (const [code, expected] of [
    [400, 'HUB_MESSAGE_REJECTED'],
    [413, 'HUB_MESSAGE_REJECTED'],
    [415, 'HUB_MESSAGE_REJECTED'],
    [429, 'HUB_THROTTLED'],
    [500, 'HUB_THROTTLED'],
    [403, 'HUB_UNAUTHORIZED'],
  ] as const) {
    it(`takes the rejection ${code} as ${expected}`, async () => {
      await aws.open();
      await aws.session.publish(property(1, { level: [0, 1] }));
      aws.emulator.shadows.failures.push(code);
      await assert.rejects(aws.session.publish(property(2, { level: [0, 2] })), { code: expected });
      await settle();
      if (expected === 'HUB_UNAUTHORIZED') assert.equal((await aws.session.lost).code, expected);
      else await aws.session.publish(property(3, { level: [0, 3] }));
    });
  }

  it('lets no report overtake one that has to come again', async () => {
    await aws.open();
    await aws.session.publish(property(1, { level: [0, 1] }));
    aws.emulator.shadows.failures.push(429);
    const both = () => [
      aws.session.publish(property(2, { level: [0, 2] })),
      aws.session.publish(property(3, { mode: [0, 'auto'] })),
    ];
    const outcomes = await Promise.allSettled(both());
    assert.deepEqual(
      outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code),
      ['HUB_THROTTLED', 'HUB_THROTTLED'],
    );
    await settle();
    await Promise.all(both());
    assert.deepEqual(reported().values, { level: 2, mode: 'auto' });
  });

  it('sends a report again after a conflict of versions', async () => {
    await aws.open();
    await aws.session.publish(property(1, { level: [0, 1] }));
    aws.emulator.shadows.failures.push(409, 409);
    await aws.session.publish(property(2, { level: [0, 2] }));
    assert.deepEqual(reported().values, { level: 2 });
  });

  it('rejects a report by which the shadow would become too large, and lives on', async () => {
    await aws.open();
    await assert.rejects(aws.session.publish(property(1, { text: [0, 'x'.repeat(9_000)] })), { code: 'HUB_MESSAGE_REJECTED' });
    await aws.session.publish(property(2, { level: [0, 2] }));
  });

  it('writes what is desired, and reports what was read back', async () => {
    await aws.open();
    await aws.session.publish(property(1, { speed: [0, 100] }));
    aws.emulator.desire('press-07', { speed: 900 });
    await until(() => aws.commands.length === 1);
    const [command] = aws.commands as [Command];
    assert.deepEqual([command.device, desiredOf(command)], ['press-07', { speed: 900 }]);
    await aws.session.respond(written(command, 'speed', 900));
    assert.equal(reported().values.speed, 900);
  });

  it('tries a wish that is refused once, says why, and tries it again when it is wished again', async () => {
    await aws.open();
    aws.emulator.desire('press-07', { speed: 9_000 });
    await until(() => aws.commands.length === 1);
    const [command] = aws.commands as [Command];
    const error = { code: 'COMMAND_OUT_OF_RANGE', message: '9000 is above 1500' } as const;
    const points = { speed: { status: 'refused', error } } as const;
    await aws.session.respond({ id: command.id, device: 'press-07', status: 'refused', points });
    assert.deepEqual(reported().own?.refused, { speed: 'COMMAND_OUT_OF_RANGE: 9000 is above 1500' });
    // Each of these brings the delta again.
    for (let sequence = 1; sequence <= 5; sequence += 1) await aws.session.publish(property(sequence, { level: [0, sequence] }));
    await aws.reopen();
    await aws.session.publish(property(6, { level: [0, 6] }));
    assert.equal(aws.commands.length, 1);
    aws.emulator.desire('press-07', { speed: 800 });
    await until(() => aws.commands.length === 2);
    await aws.session.respond(written(aws.commands[1] ?? command, 'speed', 800));
    assert.equal(reported().values.speed, 800);
    assert.deepEqual(reported().own?.refused, {});
  });

  it('tries a wish again that failed for a while, though the clock of the gateway was set back meanwhile', async () => {
    let aheadMs = 365 * 86_400_000;
    let skippedMs = 0;
    let isToSkip = false;
    const clock: Clock = {
      nowMs: () => Date.now() + aheadMs,
      monotonicMs: () => systemClock.monotonicMs() + skippedMs,
      async sleep(ms, signal) {
        const skips = isToSkip && ms === RETRY_AFTER_MS;
        if (skips) isToSkip = false;
        await systemClock.sleep(skips ? 50 : ms, signal);
        if (skips) skippedMs += ms;
      },
    };
    await aws.open(clock);
    aws.emulator.desire('press-07', { speed: 900 });
    await until(() => aws.commands.length === 1);
    const [{ id }] = aws.commands as [Command];
    const error = { code: 'LINK_DOWN', message: 'no connection' } as const;
    isToSkip = true;
    await aws.session.respond({ id, device: 'press-07', status: 'failed', points: { speed: { status: 'failed', error } } });
    aheadMs = 0;
    await until(() => aws.commands.length === 2);
  });

  it('finds after a connect what was desired while it was away', async () => {
    aws.emulator.desire('press-08', { speed: 300, valve: { open: true, position: 4 } });
    await aws.open();
    await until(() => aws.commands.length === 1);
    assert.deepEqual(desiredOf(aws.commands[0]), { speed: 300, valve: { open: true, position: 4 } });
  });

  it('asks for the whole of a map of which only a part differs', async () => {
    await aws.open();
    await aws.session.publish(property(1, { valve: [0, { open: true, position: 4 }] }));
    aws.emulator.desire('press-07', { valve: { open: true, position: 9 } });
    await until(() => aws.commands.length === 1);
    assert.deepEqual(desiredOf(aws.commands[0]), { valve: { open: true, position: 9 } });
  });

  it('tells the outcome of a command in the next session where the first is lost', async () => {
    await aws.open();
    await aws.session.publish(property(1, { speed: [0, 1] }));
    aws.emulator.desire('press-07', { speed: 2 });
    await until(() => aws.commands.length === 1);
    const [command] = aws.commands as [Command];
    const first = aws.session;
    aws.emulator.broker.cut();
    await first.lost;
    await first.respond(written(command, 'speed', 2)).catch(() => {});
    await aws.reopen();
    await until(() => reported().values.speed === 2);
    assert.equal(aws.commands.length, 1);
  });

  it('is not misled by a delta that comes late', async () => {
    await aws.open();
    aws.emulator.desire('press-07', { speed: 1 });
    await until(() => aws.commands.length === 1);
    aws.emulator.desire('press-07', { speed: 2 });
    await until(() => aws.commands.length === 2);
    const late = { version: 1, state: { speed: 1 }, metadata: { speed: { timestamp: 5 } } };
    aws.emulator.tell({ topic: '$aws/things/gw-01/shadow/name/press-07/update/delta', body: late });
    await aws.session.publish(property(1, { level: [0, 1] }));
    assert.deepEqual(aws.commands.map(desiredOf), [{ speed: 1 }, { speed: 2 }]);
  });

  it('ends the session when the shadow service does not answer', async () => {
    await aws.open();
    aws.emulator.delayMs = 60_000;
    await assert.rejects(aws.session.publish(property(1, { level: [0, 1] })), { code: 'HUB_TIMEOUT' });
    assert.equal((await aws.session.lost).code, 'HUB_TIMEOUT');
  }).timeout(5_000);
});
