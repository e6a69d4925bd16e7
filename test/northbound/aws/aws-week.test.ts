import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command, CommandResult } from '../../../src/model/command.ts';
import type { TwinMessage } from '../../../src/model/twin-message.ts';
import { startForwarding } from '../../../src/northbound/forwarder.ts';
import { createMqttHub } from '../../../src/northbound/mqtt-hub.ts';
import { AwsAccount, AwsEmulator } from '../../support/aws/aws-emulator.ts';
import { HandClock } from '../../support/hand-clock.ts';
import { RecordedLog } from '../../support/recorded-log.ts';
import { RecordedSpoolReader } from '../../support/recorded-spool-reader.ts';
import { awsDialect, credentialsOf, settingsFor } from './plant.ts';

const HOUR_MS = 3_600_000;
const STEP_MS = 10 * 60_000;
const STEPS = (7 * 24 * HOUR_MS) / STEP_MS;
/** Real time in which a step comes to rest; more would be a hang. */
const PATIENCE_MS = 20_000;

/** A week in which everything happens that an account does to a gateway, in accelerated time: ten minutes a step, each until all is quiet. */
describe('dialect aws-iot-core: a week', () => {
  let account: AwsAccount;
  let stateDirectory: string;

  before(async function () {
    this.timeout(30_000);
    account = await AwsAccount.create();
    stateDirectory = await mkdtemp(join(tmpdir(), 'aws-week-'));
  });

  after(async () => {
    await account.remove();
    await rm(stateDirectory, { recursive: true, force: true });
  });

  it('loses nothing over restarts, throttling, a rotated certificate and a new provisioning', async function () {
    this.timeout(300_000);
    const emulator = await AwsEmulator.start(account);
    const clock = new HandClock(Date.UTC(2026, 0, 5));
    emulator.nowMs = () => performance.now() + clock.nowMs();
    emulator.provisioning.nowMs = () => clock.nowMs();
    const provisioning = { template: 'gateways', parameters: { SerialNumber: '1' }, ...credentialsOf(account.files.claim) };
    const settings = settingsFor(account, emulator, {
      provisioning,
      topic: 'dt/gateway-1/{twin}/{kind}',
      statusTopic: 'dt/gateway-1/status',
      acknowledgeTimeout: '10 min',
    });
    const recorded = new RecordedLog();
    const dialect = awsDialect(settings, { stateDirectory, clock, log: recorded.log });
    const reader = new RecordedSpoolReader();
    const executed: Command[] = [];
    const forwarding = startForwarding({
      hub: createMqttHub('cloud', dialect, clock, recorded.log),
      reader,
      gateway: 'gw-01',
      clock,
      log: recorded.log,
      execute: async (command) => {
        executed.push(command);
        return done(command);
      },
    });
    const events = happenings(emulator, stateDirectory);
    let happened = 0;
    for (let step = 0; step < STEPS; step += 1) {
      for (const message of measured(step, clock.nowMs())) reader.append(message);
      const event = events[step];
      if (event !== undefined) {
        await event();
        happened += 1;
      }
      await clock.advance(STEP_MS / 10);
      await quiet(clock, () => reader.cursor === (reader.stored.at(-1)?.offset ?? 0));
      await clock.advance((STEP_MS * 9) / 10);
    }
    await quiet(clock, () => emulator.jobs.next === undefined);
    assert.equal(happened, Object.keys(events).length);
    assert.deepEqual(reader.rejected, []);
    assertComplete(reader, emulator);
    const jobs = emulator.jobs.jobs.map(({ jobId, status }) => [jobId, status]);
    assert.deepEqual(
      jobs,
      Array.from({ length: 7 }, (_, day) => [`day-${day}`, 'SUCCEEDED']),
    );
    assert.equal(executed.filter(({ id }) => id.startsWith('job-')).length, 7);
    assert.equal(emulator.provisioning.registered.size, 1, 'the certificate that was revoked is no more');
    assert.equal(recorded.events('provisioning done').length, 2);
    await Promise.race([forwarding.stop(0), advanceFor(clock)]);
    await emulator.broker.stop();
    assert.deepEqual(emulator.violations, []);
  });
});

function done({ id, device }: Command): CommandResult {
  return { id, device, status: 'done', points: { speed: { status: 'written', value: 1 } } };
}

/** By step: a restart of the broker each day, throttling, shadows in trouble, a certificate that is rotated. */
function happenings(emulator: AwsEmulator, stateDirectory: string): Readonly<Record<number, () => Promise<void>>> {
  const perDay = 24 * 6;
  const identity = join(stateDirectory, 'aws-iot-core', 'cloud', 'identity');
  const days = Array.from({ length: 7 }, (_, day) => day);
  const restart = async () => {
    await emulator.broker.stop();
    await emulator.broker.listen();
  };
  return {
    ...Object.fromEntries(
      days.map((day) => [
        day * perDay + 5,
        async () => emulator.createJob(`day-${day}`, { twin: 'press-07', desired: { speed: 1 } }),
      ]),
    ),
    ...Object.fromEntries(days.map((day) => [day * perDay + 40, restart])),
    ...Object.fromEntries(days.map((day) => [day * perDay + 60, async () => void emulator.shadows.failures.push(429, 500, 409)])),
    ...Object.fromEntries(days.map((day) => [day * perDay + 80, async () => emulator.broker.disconnect(0x97)])),
    // The old certificate is taken away and deactivated; the gateway is provisioned anew.
    [3 * perDay + 100]: async () => {
      const { fingerprint256 } = new X509Certificate(await readFile(join(identity, 'certificate.pem')));
      await rm(identity, { recursive: true });
      emulator.revoke(fingerprint256);
    },
  };
}

/** Telemetry of two twins and a property of one. */
function measured(step: number, startTimeMs: number): readonly TwinMessage[] {
  const telemetry = (twin: string): TwinMessage => ({
    twin,
    kind: 'telemetry',
    startTimeMs,
    values: { temperature: [[0, step]] },
  });
  const property: TwinMessage = { twin: 'hall.meter', kind: 'property', startTimeMs, values: { level: [[0, step]] } };
  return [telemetry('press-07'), telemetry('press-08'), property];
}

/** Moves the clock on in seconds until the condition holds: waits end, connections are opened anew. */
async function quiet(clock: HandClock, condition: () => boolean): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  for (let idle = 0; !condition(); idle += 1) {
    if (performance.now() > endMs) throw new Error('the step does not come to rest');
    await new Promise((resolve) => setTimeout(resolve, 2));
    // What is under way on the sockets comes first.
    if (idle % 20 === 19) await clock.advance(1_000);
  }
}

async function advanceFor(clock: HandClock): Promise<void> {
  for (let turn = 0; turn < 100; turn += 1) {
    await clock.advance(1_000);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Every message of the spool is with AWS: telemetry on its topic, the properties in order in the shadow. */
function assertComplete(reader: RecordedSpoolReader, emulator: AwsEmulator): void {
  const arrived = new Set(
    emulator.broker.publishes
      .filter(({ topic }) => /^dt\/gateway-1\/press-\d+\/telemetry$/.test(topic))
      .map(({ payload }) => {
        const { twin, seq } = JSON.parse(payload.toString()) as { twin: string; seq: number };
        return `${twin} ${seq}`;
      }),
  );
  const sent = reader.stored.filter(({ message }) => message.kind === 'telemetry');
  assert.deepEqual(
    sent.filter(({ message, sequence }) => !arrived.has(`${message.twin} ${sequence}`)),
    [],
  );
  const levels = emulator.shadows.reports
    .filter(({ shadow }) => shadow.endsWith('hall:meter'))
    .map(({ reported }) => reported.level);
  assert.deepEqual(
    levels,
    Array.from({ length: STEPS }, (_, step) => step),
    'each property was reported once, in order',
  );
}
