import assert from 'node:assert/strict';
import type { Command, CommandResult } from '../../../src/model/command.ts';
import type { Dialect } from '../../../src/northbound/dialect.ts';
import type { HubSession } from '../../../src/northbound/hub.ts';
import { AwsAccount, AwsEmulator } from '../../support/aws/aws-emulator.ts';
import { awsDialect, openSession, settingsFor, until } from './plant.ts';

/** Long enough for a look at the next job. */
const quiet = () => new Promise((resolve) => setTimeout(resolve, 60));

const WRITE = { schema: 'gw.command/1', twin: 'press-07', desired: { speed: 900 } };

describe('dialect aws-iot-core: jobs', () => {
  let account: AwsAccount;
  let emulator: AwsEmulator;
  let dialect: Dialect;
  let session: HubSession;
  let commands: Command[];

  before(async function () {
    this.timeout(30_000);
    account = await AwsAccount.create();
  });

  after(() => account.remove());

  beforeEach(async () => {
    emulator = await AwsEmulator.start(account);
    dialect = awsDialect(settingsFor(account, emulator, { shadows: false }));
    commands = [];
  });

  afterEach(async () => {
    await session.close();
    await emulator.broker.stop();
    assert.deepEqual(emulator.violations, []);
  });

  const open = async () => {
    session = await openSession(dialect);
    session.commands.subscribe((command) => void commands.push(command));
  };
  const reopen = async () => {
    await session.close();
    await open();
  };
  const done = ({ id, device }: Command): CommandResult => ({
    id,
    device,
    status: 'done',
    points: { speed: { status: 'written', value: 900 } },
  });
  const commandAt = async (index: number): Promise<Command> => {
    await until(() => commands.length > index);
    return commands[index] ?? assert.fail();
  };

  it('executes a job and tells its outcome with the result', async () => {
    await open();
    emulator.createJob('set-speed', WRITE);
    const command = await commandAt(0);
    assert.ok('desired' in command);
    assert.deepEqual([command.device, command.desired], ['press-07', { speed: 900 }]);
    await quiet();
    assert.deepEqual(emulator.jobs.history, ['set-speed IN_PROGRESS']);
    await session.respond(done(command));
    await until(() => emulator.jobs.next === undefined);
    assert.deepEqual(emulator.jobs.history, ['set-speed IN_PROGRESS', 'set-speed SUCCEEDED']);
    const { outcome, result } = emulator.jobs.jobs[0]?.statusDetails ?? {};
    assert.equal(outcome, 'done');
    assert.deepEqual(JSON.parse(String(result)).points, { speed: { status: 'written', value: 900 } });
  });

  it('takes from the document all that a command may say, and from the job when it was queued', async () => {
    await open();
    const expires = Date.now() + 60_000;
    emulator.jobs.nowS = () => 1_700_000_000;
    emulator.createJob('dry', { twin: 'press-08', by: 'anna', expires, settings: { logLevel: 'debug' }, dryRun: true });
    await session.respond(done(await commandAt(0)));
    emulator.createJob('yes', { twin: 'press-08', by: 'ben', expires, issued: 5, id: 'r4', approve: true });
    await session.respond(done(await commandAt(1)));
    await until(() => emulator.jobs.next === undefined);
    const head = { device: 'press-08', expiresTimeMs: expires };
    assert.deepEqual(commands, [
      { ...head, id: 'job-dry-1', by: 'anna', issuedTimeMs: 1_700_000_000_000, settings: { logLevel: 'debug' }, isDryRun: true },
      { ...head, id: 'r4', by: 'ben', issuedTimeMs: 5, approves: true },
    ]);
  });

  it('finds jobs that were made while it was away, and executes one after the other', async () => {
    for (const jobId of ['one', 'two', 'three']) emulator.createJob(jobId, WRITE);
    await open();
    for (let index = 0; index < 3; index += 1) {
      const command = await commandAt(index);
      assert.equal(commands.length, index + 1);
      await session.respond(done(command));
    }
    await until(() => emulator.jobs.next === undefined);
    const order = ['one', 'two', 'three'].flatMap((jobId) => [`${jobId} IN_PROGRESS`, `${jobId} SUCCEEDED`]);
    assert.deepEqual(emulator.jobs.history, order);
  });

  for (const [status, expected] of [
    ['refused', 'REJECTED'],
    ['failed', 'FAILED'],
    ['unknown', 'FAILED'],
  ] as const) {
    it(`tells a command that is ${status} as ${expected}, with the reason`, async () => {
      await open();
      emulator.createJob('job', WRITE);
      const { id, device } = await commandAt(0);
      const error = { code: 'COMMAND_FAILED', message: 'the valve\nis stuck' } as const;
      await session.respond({ id, device, status, points: {}, error });
      await until(() => emulator.jobs.next === undefined);
      const [job] = emulator.jobs.jobs;
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
      await open();
      emulator.createJob('wrong', document);
      emulator.createJob('right', WRITE);
      await session.respond(done(await commandAt(0)));
      await until(() => emulator.jobs.next === undefined);
      assert.deepEqual(
        emulator.jobs.jobs.map(({ status }) => status),
        ['REJECTED', 'SUCCEEDED'],
      );
    });
  }

  it('does not execute a job twice when the connection is lost while it is under way', async () => {
    await open();
    emulator.createJob('job', WRITE);
    const command = await commandAt(0);
    const first = session;
    emulator.broker.cut();
    await first.lost;
    await reopen();
    await quiet();
    await first.respond(done(command));
    await until(() => emulator.jobs.next === undefined);
    assert.equal(commands.length, 1);
    assert.deepEqual(emulator.jobs.history, ['job IN_PROGRESS', 'job SUCCEEDED']);
  });

  it('tells the outcome after a reconnect when it was known before', async () => {
    await open();
    emulator.createJob('job', WRITE);
    const command = await commandAt(0);
    const first = session;
    emulator.broker.cut();
    await first.lost;
    await first.respond(done(command));
    await reopen();
    await until(() => emulator.jobs.next === undefined);
    assert.equal(commands.length, 1);
    assert.equal(emulator.jobs.jobs[0]?.status, 'SUCCEEDED');
  });

  it('does not execute a job that was under way before it was started anew; it fails, and says so', async () => {
    await open();
    emulator.createJob('job', WRITE);
    await commandAt(0);
    dialect = awsDialect(settingsFor(account, emulator, { shadows: false }));
    await reopen();
    await until(() => emulator.jobs.next === undefined);
    assert.equal(commands.length, 1);
    assert.equal(emulator.jobs.jobs[0]?.status, 'FAILED');
    assert.match(String(emulator.jobs.jobs[0]?.statusDetails.message), /restarted/);
  });

  it('lets go of a job that was cancelled before it could claim it', async () => {
    await open();
    emulator.delayMs = 30;
    emulator.createJob('cancelled', WRITE);
    await new Promise((resolve) => setTimeout(resolve, 45));
    emulator.jobs.cancel('cancelled');
    emulator.createJob('job', { ...WRITE, desired: { speed: 1 } });
    await session.respond(done(await commandAt(0)));
    await until(() => emulator.jobs.next === undefined);
    assert.deepEqual(
      emulator.jobs.jobs.map(({ status }) => status),
      ['CANCELED', 'SUCCEEDED'],
    );
  });
});
