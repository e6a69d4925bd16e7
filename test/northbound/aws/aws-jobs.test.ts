import assert from 'node:assert/strict';
import type { Command, CommandResult } from '../../../src/model/command.ts';
import { until } from './plant.ts';
import { type AwsRig, eachWithAws } from './rig.ts';

/** Long enough for a look at the next job. */
const quiet = () => new Promise((resolve) => setTimeout(resolve, 60));

const WRITE = { schema: 'gw.command/1', twin: 'press-07', desired: { speed: 900 } };

describe('dialect aws-iot-core: jobs', () => {
  let aws: AwsRig;

  eachWithAws({ shadows: false }, (rig) => {
    aws = rig;
  });

  const done = ({ id, device }: Command): CommandResult => ({
    id,
    device,
    status: 'done',
    points: { speed: { status: 'written', value: 900 } },
  });
  const commandAt = async (index: number): Promise<Command> => {
    await until(() => aws.commands.length > index);
    return aws.commands[index] ?? assert.fail();
  };

  it('executes a job and tells its outcome with the result', async () => {
    await aws.open();
    aws.emulator.createJob('set-speed', WRITE);
    const command = await commandAt(0);
    assert.ok('desired' in command);
    assert.deepEqual([command.device, command.desired], ['press-07', { speed: 900 }]);
    await quiet();
    assert.deepEqual(aws.emulator.jobs.history, ['set-speed IN_PROGRESS']);
    await aws.session.respond(done(command));
    await until(() => aws.emulator.jobs.next === undefined);
    assert.deepEqual(aws.emulator.jobs.history, ['set-speed IN_PROGRESS', 'set-speed SUCCEEDED']);
    const { outcome, result } = aws.emulator.jobs.jobs[0]?.statusDetails ?? {};
    assert.equal(outcome, 'done');
    assert.deepEqual(JSON.parse(String(result)).points, { speed: { status: 'written', value: 900 } });
  });

  it('takes from the document all that a command may say, and from the job when it was queued', async () => {
    await aws.open();
    const expires = Date.now() + 60_000;
    aws.emulator.jobs.nowS = () => 1_700_000_000;
    aws.emulator.createJob('dry', { twin: 'press-08', by: 'anna', expires, settings: { logLevel: 'debug' }, dryRun: true });
    await aws.session.respond(done(await commandAt(0)));
    aws.emulator.createJob('yes', { twin: 'press-08', by: 'ben', expires, issued: 5, id: 'r4', approve: true });
    await aws.session.respond(done(await commandAt(1)));
    await until(() => aws.emulator.jobs.next === undefined);
    const head = { device: 'press-08', expiresTimeMs: expires };
    assert.deepEqual(aws.commands, [
      { ...head, id: 'job-dry-1', by: 'anna', issuedTimeMs: 1_700_000_000_000, settings: { logLevel: 'debug' }, isDryRun: true },
      { ...head, id: 'r4', by: 'ben', issuedTimeMs: 5, approves: true },
    ]);
  });

  it('finds jobs that were made while it was away, and executes one after the other', async () => {
    for (const jobId of ['one', 'two', 'three']) aws.emulator.createJob(jobId, WRITE);
    await aws.open();
    for (let index = 0; index < 3; index += 1) {
      const command = await commandAt(index);
      assert.equal(aws.commands.length, index + 1);
      await aws.session.respond(done(command));
    }
    await until(() => aws.emulator.jobs.next === undefined);
    const order = ['one', 'two', 'three'].flatMap((jobId) => [`${jobId} IN_PROGRESS`, `${jobId} SUCCEEDED`]);
    assert.deepEqual(aws.emulator.jobs.history, order);
  });

  for (const [status, expected] of [
    ['refused', 'REJECTED'],
    ['failed', 'FAILED'],
    ['unknown', 'FAILED'],
  ] as const) {
    it(`tells a command that is ${status} as ${expected}, with the reason`, async () => {
      await aws.open();
      aws.emulator.createJob('job', WRITE);
      const { id, device } = await commandAt(0);
      const error = { code: 'COMMAND_FAILED', message: 'the valve\nis stuck' } as const;
      await aws.session.respond({ id, device, status, points: {}, error });
      await until(() => aws.emulator.jobs.next === undefined);
      const [job] = aws.emulator.jobs.jobs;
      assert.equal(job?.status, expected);
      assert.deepEqual([job?.statusDetails.code, job?.statusDetails.message], ['COMMAND_FAILED', 'the valve is stuck']);
    });
  }

  for (const [what, document] of Object.entries({
    'names no twin': { desired: { speed: 1 } },
    'names another twin': { twin: 'press-99', desired: { speed: 1 } },
    'is no command': { twin: 'press-07', reboot: true },
    'asks for nothing': { twin: 'press-07' },
  })) {
    it(`rejects a job whose document ${what}, and goes on`, async () => {
      await aws.open();
      aws.emulator.createJob('wrong', document);
      aws.emulator.createJob('right', WRITE);
      await aws.session.respond(done(await commandAt(0)));
      await until(() => aws.emulator.jobs.next === undefined);
      assert.deepEqual(
        aws.emulator.jobs.jobs.map(({ status }) => status),
        ['REJECTED', 'SUCCEEDED'],
      );
    });
  }

  it('does not execute a job twice when the connection is lost while it is under way', async () => {
    await aws.open();
    aws.emulator.createJob('job', WRITE);
    const command = await commandAt(0);
    const first = aws.session;
    aws.emulator.broker.cut();
    await first.lost;
    await aws.reopen();
    await quiet();
    await first.respond(done(command));
    await until(() => aws.emulator.jobs.next === undefined);
    assert.equal(aws.commands.length, 1);
    assert.deepEqual(aws.emulator.jobs.history, ['job IN_PROGRESS', 'job SUCCEEDED']);
  });

  it('tells the outcome after a reconnect when it was known before', async () => {
    await aws.open();
    aws.emulator.createJob('job', WRITE);
    const command = await commandAt(0);
    const first = aws.session;
    aws.emulator.broker.cut();
    await first.lost;
    await first.respond(done(command));
    await aws.reopen();
    await until(() => aws.emulator.jobs.next === undefined);
    assert.equal(aws.commands.length, 1);
    assert.equal(aws.emulator.jobs.jobs[0]?.status, 'SUCCEEDED');
  });

  it('does not execute a job that was under way before it was started anew; it fails, and says so', async () => {
    await aws.open();
    aws.emulator.createJob('job', WRITE);
    await commandAt(0);
    await aws.restart();
    await until(() => aws.emulator.jobs.next === undefined);
    assert.equal(aws.commands.length, 1);
    assert.equal(aws.emulator.jobs.jobs[0]?.status, 'FAILED');
    assert.match(String(aws.emulator.jobs.jobs[0]?.statusDetails.message), /restarted/);
  });

  it('lets go of a job that was cancelled before it could claim it', async () => {
    await aws.open();
    aws.emulator.delayMs = 30;
    aws.emulator.createJob('cancelled', WRITE);
    await new Promise((resolve) => setTimeout(resolve, 45));
    aws.emulator.jobs.cancel('cancelled');
    aws.emulator.createJob('job', { ...WRITE, desired: { speed: 1 } });
    await aws.session.respond(done(await commandAt(0)));
    await until(() => aws.emulator.jobs.next === undefined);
    assert.deepEqual(
      aws.emulator.jobs.jobs.map(({ status }) => status),
      ['CANCELED', 'SUCCEEDED'],
    );
  });
});
