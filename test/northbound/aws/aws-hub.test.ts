import assert from 'node:assert/strict';
import { startForwarding } from '../../../src/northbound/forwarder.ts';
import { createMqttHub } from '../../../src/northbound/mqtt-hub.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import { describeHub } from '../../contract/hub.ts';
import { AwsAccount, AwsEmulator } from '../../support/aws/aws-emulator.ts';
import { RecordedSpoolReader, stored, telemetry } from '../../support/recorded-spool-reader.ts';
import type { SinkBroker } from '../../support/sink-broker.ts';
import { awsDialect, openSession, property, settingsFor, until } from './plant.ts';

describe('dialect aws-iot-core', () => {
  let account: AwsAccount;
  const emulators = new Map<SinkBroker, AwsEmulator>();

  before(async function () {
    this.timeout(30_000);
    account = await AwsAccount.create();
  });

  after(() => account.remove());

  for (const protocol of ['3.1.1', 5] as const) {
    describeHub({
      title: `dialect aws-iot-core, MQTT ${protocol}`,
      isVersion5: protocol === 5,
      async startBroker(script = {}) {
        const emulator = await AwsEmulator.start(account, { script });
        emulators.set(emulator.broker, emulator);
        return emulator.broker;
      },
      createHub(broker) {
        const short = { connectTimeout: '1 s', acknowledgeTimeout: '300 ms' };
        const quiet = { shadows: false, jobs: false, commands: {}, retainStatus: true };
        const emulator = emulators.get(broker) ?? assert.fail('no emulator');
        return createMqttHub('cloud', awsDialect(settingsFor(account, emulator, { protocol, ...short, ...quiet })), systemClock);
      },
      commandTopic: 'cmd/gw-01/press-07',
      command: (id) => JSON.stringify({ id, desired: { speedSetpoint: 900 } }),
    });
  }

  describe('connection', () => {
    let emulator: AwsEmulator;

    afterEach(() => emulator.broker.stop());

    it('says by ALPN that it means MQTT where it goes through the port of HTTPS', async () => {
      emulator = await AwsEmulator.start(account, { isHttpsPort: true });
      const refused = awsDialect(settingsFor(account, emulator, { alpn: false }));
      await assert.rejects(openSession(refused), { name: 'GatewayError' });
      assert.deepEqual(emulator.violations, ['a connection to port 443 without ALPN']);
      const session = await openSession(awsDialect(settingsFor(account, emulator, { alpn: true })));
      await session.publish(stored(1));
      await session.close();
      assert.equal(
        awsDialect({ auth: settingsFor(account, emulator).auth, port: 443 }).wire.endpoints[0]?.alpn,
        'x-amzn-mqtt-ca',
      );
    });

    it('is refused without the certificate of a thing that may connect', async () => {
      emulator = await AwsEmulator.start(account);
      const foreign = awsDialect(settingsFor(account, emulator, { thing: 'gw-99' }));
      await assert.rejects(openSession(foreign), { code: 'HUB_UNAUTHORIZED' });
      assert.deepEqual(emulator.refusals, ['connect gw-99']);
    });

    it('sends by basic ingest where a rule is named, which counts as no level of the topic', async () => {
      emulator = await AwsEmulator.start(account);
      const dialect = awsDialect(settingsFor(account, emulator, { rule: 'telemetry' }));
      const session = await openSession(dialect);
      await session.publish(stored(1));
      await session.close();
      assert.ok(emulator.broker.publishes.some(({ topic }) => topic === '$aws/rules/telemetry/dt/gw-01/press-07/telemetry'));
      assert.equal(dialect.messageTopics, undefined);
      assert.deepEqual(emulator.violations, []);
    });

    it('tells online and offline, retained only where it is wanted', async () => {
      emulator = await AwsEmulator.start(account);
      const session = await openSession(awsDialect(settingsFor(account, emulator)));
      await session.close();
      const states = emulator.broker.publishes.filter(({ topic }) => topic === 'dt/gw-01/status');
      assert.deepEqual(
        states.map(({ payload, retain }) => [JSON.parse(payload.toString()).state, retain]),
        [
          ['online', false],
          ['offline', false],
        ],
      );
    });

    it('rejects a message above 128 KB without sending it', async () => {
      emulator = await AwsEmulator.start(account);
      const session = await openSession(awsDialect(settingsFor(account, emulator, { protocol: '3.1.1' })));
      const large = {
        ...stored(1),
        message: { ...telemetry('press-07', 1), values: { text: [[0, 'x'.repeat(131_000)]] as const } },
      };
      await assert.rejects(session.publish(large), { code: 'HUB_MESSAGE_REJECTED' });
      await session.publish(stored(2));
      await session.close();
      assert.deepEqual(emulator.violations, []);
    });

    it('stays below 512 KB in a second', async function () {
      this.timeout(10_000);
      emulator = await AwsEmulator.start(account);
      const session = await openSession(awsDialect(settingsFor(account, emulator)));
      const values = { text: [[0, 'x'.repeat(100_000)]] as const };
      const large = (sequence: number) => ({ ...stored(sequence), message: { ...telemetry('press-07', sequence), values } });
      await Promise.all([1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((sequence) => session.publish(large(sequence))));
      await session.close();
      assert.deepEqual(emulator.violations, []);
    });

    it('sends no faster than AWS takes, unless told otherwise', async function () {
      this.timeout(10_000);
      emulator = await AwsEmulator.start(account);
      const reader = new RecordedSpoolReader();
      for (let count = 1; count <= 240; count += 1) reader.append(telemetry('press-07', count));
      const forwarding = startForwarding({
        hub: createMqttHub('cloud', awsDialect(settingsFor(account, emulator)), systemClock),
        reader,
        gateway: 'gw-01',
        clock: systemClock,
        log: silentLog,
        execute: async ({ id, device }) => ({ id, device, status: 'done', points: {} }),
      });
      await until(() => reader.acknowledged.length === 240, 8_000);
      await forwarding.stop(0);
      assert.deepEqual(emulator.violations, []);
    });

    it('keeps within the requests that shadows take, whatever the number of twins', async function () {
      this.timeout(10_000);
      emulator = await AwsEmulator.start(account);
      emulator.delayMs = 900;
      const twins = Array.from({ length: 16 }, (_, index) => `press-${index}`);
      const session = await openSession(awsDialect(settingsFor(account, emulator, { acknowledgeTimeout: '20 s' }), {}, twins));
      await Promise.all(twins.map((twin) => session.publish(property(1, { level: [0, 1] }, { twin }))));
      await session.close();
      assert.deepEqual(emulator.violations, []);
    });

    it('takes a message that the policy forbids as one that waits for the right, and lives on', async () => {
      emulator = await AwsEmulator.start(account);
      const session = await openSession(awsDialect(settingsFor(account, emulator, { topic: 'elsewhere/{twin}/{kind}' })));
      await assert.rejects(session.publish(stored(1)), { code: 'HUB_MESSAGE_FORBIDDEN' });
      await session.close();
    });
  });
});
