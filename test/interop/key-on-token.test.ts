import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMqttHub } from '../../src/northbound/mqtt-hub.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { mqttDialect } from '../northbound/plant.ts';
import { edge, hubOf } from '../northbound/sparkplug-b/plant.ts';
import { ADDRESS } from '../support/azure/hub-plant.ts';
import { IotHub } from '../support/azure/iot-hub.ts';
import { azureDialect } from '../support/azure/plant.ts';
import { createAuthority, readCertificate, type TestAuthority } from '../support/certificates.ts';
import { stored } from '../support/recorded-spool-reader.ts';
import { SinkBroker } from '../support/sink-broker.ts';

const ENGINES = `/usr/lib/${arch() === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/engines-3`;
const MODULE = '/usr/lib/softhsm/libsofthsm2.so';
const isThere = [join(ENGINES, 'pkcs11.so'), MODULE].every((file) => existsSync(file));
const title = isThere ? 'a key on a PKCS#11 token' : 'a key on a token (to run it: sudo scripts/install-test-peers/softhsm.sh)';
const NEVER = new AbortController().signal;

describe(title, () => {
  let directory: string;
  let authority: TestAuthority;
  let broker: SinkBroker;
  let certificate: string;

  before(async function () {
    if (!isThere) this.skip();
    directory = await mkdtemp(join(tmpdir(), 'token-'));
    authority = await createAuthority();
    const files = await authority.issue('gw-01');
    ({ certificate } = files);
    await mkdir(join(directory, 'tokens'));
    await writeFile(join(directory, 'softhsm2.conf'), `directories.tokendir = ${directory}/tokens\n`);
    await writeFile(join(directory, 'pin'), '1234', { mode: 0o600 });
    Object.assign(process.env, {
      SOFTHSM2_CONF: join(directory, 'softhsm2.conf'),
      OPENSSL_ENGINES: ENGINES,
      PKCS11_MODULE_PATH: MODULE,
    });
    const softhsm = (...args: readonly string[]) => execFileSync('softhsm2-util', args, { stdio: 'ignore' });
    softhsm('--init-token', '--free', '--label', 'gw', '--so-pin', '1234', '--pin', '1234');
    softhsm('--import', files.privateKey, '--token', 'gw', '--label', 'hub', '--id', '01', '--pin', '1234');
    // From now on the key is on the token only.
    await rm(files.privateKey);
    const tls = { ...(await readCertificate(await authority.issue('localhost'))), ca: await readFile(authority.ca) };
    broker = await SinkBroker.start({ tls: { ...tls, requestCert: true, rejectUnauthorized: true } });
  });

  after(async () => {
    await broker?.stop();
    await authority?.remove();
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  });

  const onToken = (object: string) => ({
    certificate,
    privateKey: { uri: `pkcs11:token=gw;object=${object};type=private?pin-source=file:${directory}/pin` },
  });
  const hub = (object: string) => {
    const settings = { url: broker.url, ca: authority.ca, auth: onToken(object), connectTimeout: '5 s' };
    return createMqttHub('cloud', mqttDialect(settings), systemClock);
  };

  it('signs every handshake where it lies', async () => {
    for (let round = 1; round <= 3; round += 1) {
      const session = await hub('hub').open(NEVER);
      await session.publish(stored(round));
      await session.close();
    }
    assert.equal(broker.messages.length, 3);
  });

  it('signs for Sparkplug', async () => {
    const node = await edge({ url: broker.url, ca: authority.ca, auth: onToken('hub'), connectTimeout: '5 s' });
    const session = await hubOf(node).open(NEVER);
    await session.publish(stored(1));
    await session.close();
    await rm(node.stateDirectory, { recursive: true });
    assert.match(broker.publishes.at(-2)?.topic ?? '', /^spBv1.0\/plant-a\/DDATA\/gw-01\//);
  });

  it('signs at Azure', async () => {
    const azure = await IotHub.start({ address: ADDRESS, tls: await readCertificate(await authority.issue('azure')) });
    azure.register('gw-01', { isCaSigned: true });
    const settings = { host: ADDRESS, port: azure.port, ca: authority.ca, auth: onToken('hub'), connectTimeout: '5 s' };
    const session = await createMqttHub('cloud', azureDialect({ settings }), systemClock).open(NEVER);
    await session.publish(stored(1));
    await session.close();
    await azure.stop();
    assert.deepEqual([azure.messages.length, azure.violations], [1, []]);
  });

  it('that is not there is told, and its PIN is not', async () => {
    await assert.rejects(hub('nobody').open(NEVER), ({ code, message }: Error & { code: string }) => {
      assert.ok(!message.includes('1234'));
      return code === 'HUB_UNAUTHORIZED' && message.includes('the key on the token cannot be used');
    });
  });

  it('may not be named with its PIN: the engine would print it', () => {
    const uri = 'pkcs11:token=gw;object=hub?pin-value=1234';
    assert.throws(() => mqttDialect({ auth: { certificate, privateKey: { uri } } }), /pin-source/);
  });
});
