import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Packet } from '../../../src/northbound/dialect.ts';
import { IdentityStore } from '../../../src/northbound/dialects/aws-iot-core/identity-store.ts';
import { listen } from '../../../src/northbound/listen.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { AwsAccount, AwsEmulator } from '../../support/aws/aws-emulator.ts';
import { RecordedLog } from '../../support/recorded-log.ts';
import { stored } from '../../support/recorded-spool-reader.ts';
import { awsDialect, credentialsOf, openSession, property, settingsFor, until } from './plant.ts';

describe('dialect aws-iot-core: fleet provisioning by claim', () => {
  let account: AwsAccount;
  let emulator: AwsEmulator;
  let stateDirectory: string;

  before(async function () {
    this.timeout(30_000);
    account = await AwsAccount.create();
  });

  after(() => account.remove());

  beforeEach(async () => {
    emulator = await AwsEmulator.start(account);
    stateDirectory = await mkdtemp(join(tmpdir(), 'aws-state-'));
  });

  afterEach(async () => {
    await emulator.broker.stop();
    await rm(stateDirectory, { recursive: true, force: true });
    assert.deepEqual(emulator.violations, []);
  });

  const dialect = (parameters: Record<string, string> = { SerialNumber: '4711' }) => {
    const provisioning = { template: 'gateways', parameters, ...credentialsOf(account.files.claim) };
    return awsDialect(settingsFor(account, emulator, { provisioning, jobs: false }), { stateDirectory });
  };
  const place = () => join(stateDirectory, 'aws-iot-core', 'cloud');
  const clientIds = () => emulator.broker.connects.map(({ clientId }) => clientId);

  it('gets a certificate for a key of its own, and connects as the thing it was made', async () => {
    const session = await openSession(dialect());
    const message = stored(1);
    await assert.rejects(session.publish({ ...message }), { code: 'HUB_MESSAGE_FORBIDDEN' }, 'topics of gw-01 are not its own');
    await session.publish(property(1, { level: [0, 1] }));
    await session.close();
    assert.deepEqual(clientIds(), ['gw-01', 'gateway-4711']);
    assert.deepEqual(emulator.shadows.document('gateway-4711', 'press-07')?.reported.level, 1);
    const files = (await readdir(join(place(), 'identity'))).toSorted();
    assert.deepEqual(files, ['certificate.pem', 'private-key.pem', 'thing.json']);
    for (const file of files) assert.equal((await stat(join(place(), 'identity', file))).mode & 0o777, 0o600);
    assert.equal((await stat(join(place(), 'identity'))).mode & 0o777, 0o700);
    const key = await readFile(join(place(), 'identity', 'private-key.pem'), 'utf8');
    const sent = Buffer.concat(emulator.broker.publishes.map(({ payload }) => payload)).toString();
    for (const line of key.split('\n').slice(1, -2)) assert.ok(!sent.includes(line), 'the key was sent');
  });

  it('never uses the claim again, nor after a restart', async () => {
    await (await openSession(dialect())).close();
    const requests = emulator.provisioning.requests;
    await (await openSession(dialect())).close();
    assert.equal(emulator.provisioning.requests, requests);
    assert.deepEqual(clientIds(), ['gw-01', 'gateway-4711', 'gateway-4711']);
  });

  it('lends its identity to whoever listens beside it, and makes none for that', async () => {
    const heard: string[] = [];
    const topic = 'dt/gateway-4711/press-07/telemetry';
    const onPacket = ({ payload }: Packet) => void heard.push(Buffer.from(payload).toString());
    const signal = AbortSignal.timeout(5_000);
    const listening = () => listen({ dialect: dialect(), topics: [topic], clock: systemClock, signal, onPacket });
    await assert.rejects(listening(), { code: 'HUB_UNAUTHORIZED', message: /not been provisioned yet/ });
    assert.equal(emulator.broker.connects.length, 0);
    await (await openSession(dialect())).close();
    const { fingerprint256 } = new X509Certificate(await readFile(join(place(), 'identity', 'certificate.pem')));
    const policy = { publish: [], subscribe: ['dt/{thing}/*'], receive: ['dt/{thing}/*'] };
    emulator.allow(fingerprint256, { ...policy, connect: ['{thing}-verify'] });
    const session = await listening();
    emulator.tell({ topic, body: { seq: 1 } });
    await until(() => heard.length === 1);
    await session.close();
    assert.equal(clientIds().at(-1), 'gateway-4711-verify');
  });

  it('does not fall back on the claim when its certificate is refused', async () => {
    await (await openSession(dialect())).close();
    const certificate = await readFile(join(place(), 'identity', 'certificate.pem'));
    emulator.revoke(new X509Certificate(certificate).fingerprint256);
    const requests = emulator.provisioning.requests;
    await assert.rejects(openSession(dialect()), { code: 'HUB_UNAUTHORIZED' });
    assert.equal(emulator.provisioning.requests, requests);
  });

  it('is provisioned anew when the identity is taken away', async () => {
    const one = dialect();
    await (await openSession(one)).close();
    const before = await readFile(join(place(), 'identity', 'private-key.pem'), 'utf8');
    await rm(join(place(), 'identity'), { recursive: true });
    await (await openSession(one)).close();
    assert.notEqual(await readFile(join(place(), 'identity', 'private-key.pem'), 'utf8'), before);
  });

  for (const [step, failures] of Object.entries({ certificate: [403], thing: [0, 403] })) {
    it(`leaves nothing behind when the ${step} is refused, and succeeds at the next attempt`, async () => {
      const one = dialect(step === 'thing' ? {} : { SerialNumber: '4711' });
      if (step === 'certificate') emulator.provisioning.failures.push(...failures);
      await assert.rejects(openSession(one), { code: 'HUB_UNAUTHORIZED' });
      assert.deepEqual(await readdir(stateDirectory), []);
      await (await openSession(dialect())).close();
    });
  }

  it('waits where AWS is throttled', async () => {
    emulator.provisioning.failures.push(429);
    await assert.rejects(openSession(dialect()), { code: 'HUB_THROTTLED' });
  });

  it('takes away what a crash has left half written', async () => {
    await mkdir(join(place(), 'identity.new'), { recursive: true });
    await writeFile(join(place(), 'identity.new', 'private-key.pem'), 'half');
    await (await openSession(dialect())).close();
    assert.deepEqual(await readdir(place()), ['identity']);
  });

  it('warns of a key that others may read', async () => {
    const recorded = new RecordedLog();
    const provisioning = { template: 'gateways', parameters: { SerialNumber: '4711' }, ...credentialsOf(account.files.claim) };
    const settings = settingsFor(account, emulator, { provisioning, jobs: false });
    const one = awsDialect(settings, { stateDirectory, log: recorded.log });
    await (await openSession(one)).close();
    assert.equal(recorded.events('private key open to others').length, 0);
    await chmod(join(place(), 'identity', 'private-key.pem'), 0o640);
    await (await openSession(one)).close();
    assert.equal(recorded.events('private key open to others').length, 1);
  });

  it('says which file cannot be read, and is not provisioned anew for that', async () => {
    const store = new IdentityStore(place());
    await store.save({ thing: 'gw', certificate: 'c', privateKey: 'k' });
    await writeFile(join(place(), 'identity', 'thing.json'), '{');
    await assert.rejects(openSession(dialect()), { code: 'HUB_UNAUTHORIZED', message: /identity.*cannot be read/ });
    assert.equal(emulator.provisioning.requests, 0);
  });
});
