import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Secret } from '../../src/model/secret.ts';
import { fileSecret } from '../../src/northbound/file-secret.ts';
import type { HubSession } from '../../src/northbound/hub.ts';
import { createMqttHub } from '../../src/northbound/mqtt-hub.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { type CertificateFiles, createAuthority, readCertificate, type TestAuthority } from '../support/certificates.ts';
import { HandClock, settle } from '../support/hand-clock.ts';
import { RecordedLog } from '../support/recorded-log.ts';
import { stored } from '../support/recorded-spool-reader.ts';
import { SinkBroker } from '../support/sink-broker.ts';
import { mqttDialect } from './plant.ts';

const NEVER = new AbortController().signal;
const DAY_MS = 86_400_000;

describe('credentials of a hub', () => {
  let authority: TestAuthority;
  let server: CertificateFiles;
  let broker: SinkBroker;
  let session: HubSession | undefined;

  before(async function () {
    this.timeout(30_000);
    authority = await createAuthority();
    server = await authority.issue('localhost');
  });

  after(() => authority.remove());

  afterEach(async () => {
    await session?.close();
    session = undefined;
    await broker.stop();
  });

  const start = async (files: CertificateFiles = server) => {
    broker = await SinkBroker.start({ tls: await readCertificate(files) });
  };
  const hub = (settings: Readonly<Record<string, unknown>>) =>
    createMqttHub('cloud', mqttDialect({ url: broker.url, connectTimeout: '2 s', ...settings }), systemClock);
  const open = async (settings: Readonly<Record<string, unknown>>) => {
    session = await hub(settings).open(NEVER);
    return session;
  };
  const certificateOf = async ({ certificate }: CertificateFiles) => new X509Certificate(await readFile(certificate));
  const keyPin = async (files: CertificateFiles) => {
    const key = (await certificateOf(files)).publicKey.export({ type: 'spki', format: 'der' });
    return `sha256/${createHash('sha256').update(key).digest('base64')}`;
  };

  describe('a pin', () => {
    it('of the certificate or of its key takes the place of an authority', async () => {
      await start();
      for (const pin of [(await certificateOf(server)).fingerprint256.toLowerCase(), await keyPin(server)]) {
        await (await open({ pin })).close();
      }
      assert.equal(broker.connects.length, 2);
    });

    it('refuses any other certificate, of whatever authority, and shows what would fit', async () => {
      await start();
      const other = await keyPin(await authority.issue('other'));
      for (const more of [{}, { ca: authority.ca }]) {
        const expected = (await keyPin(server)).replaceAll(/[+/]/g, '\\$&');
        await assert.rejects(open({ pin: other, ...more }), { code: 'HUB_UNTRUSTED', message: new RegExp(expected) });
      }
      assert.equal(broker.connects.length, 0);
    });

    it('does not take the place of an authority that is named beside it', async () => {
      await start();
      const foreign = await createAuthority('Other CA');
      await assert.rejects(open({ pin: await keyPin(server), ca: foreign.ca }), { code: 'HUB_UNTRUSTED' });
      await foreign.remove();
      await open({ pin: [await keyPin(server)], ca: authority.ca });
    });

    it('does not excuse another host name', async () => {
      const files = await authority.issue('elsewhere', { subjectAltNames: [{ type: 'dns', value: 'elsewhere.example' }] });
      await start(files);
      await assert.rejects(open({ pin: await keyPin(files) }), { code: 'HUB_UNTRUSTED', message: /another host name/ });
    });

    it('does not excuse an expired certificate', async () => {
      const files = await authority.issue('old', { notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') });
      await start(files);
      for (const more of [{}, { ca: authority.ca }])
        await assert.rejects(open({ pin: await keyPin(files), ...more }), { code: 'HUB_UNTRUSTED', message: /expired/ });
    });

    it('is looked at before anything is said', async () => {
      await start();
      const password = new Secret('p', Buffer.from('canary'));
      const pin = await keyPin(await authority.issue('other'));
      await assert.rejects(open({ pin, auth: { username: 'gw', password } }), { code: 'HUB_UNTRUSTED' });
      assert.equal(broker.connects.length, 0);
    });
  });

  describe('that expire', () => {
    it('are known, and warned of from 60 days before, once a day', async () => {
      await start(await authority.issue('soon', { notAfter: new Date(Date.now() + 50 * DAY_MS) }));
      const own = await authority.issue('gw', { notAfter: new Date(Date.now() + 90 * DAY_MS) });
      const { log, events } = recorded();
      const clock = new HandClock(Date.now());
      const auth = { certificate: own.certificate, privateKey: await fileSecret('key', own.privateKey) };
      const dialect = mqttDialect({ url: broker.url, ca: authority.ca, auth });
      const watched = createMqttHub('cloud', dialect, clock, log);
      session = await watched.open(NEVER);
      const days = Object.entries(watched.expiries).map(([whose, ms]) => [whose, Math.round((ms - Date.now()) / DAY_MS)]);
      assert.deepEqual(Object.fromEntries(days), { own: 90, server: 50 });
      assert.deepEqual(
        events('certificate expiry neared').map(({ subject }) => subject),
        ['CN=soon'],
      );
    });
  });

  describe('that are renewed', () => {
    const lay = async (name: string, from: CertificateFiles): Promise<CertificateFiles> => {
      const files = {
        certificate: join(authority.directory, `${name}.pem`),
        privateKey: join(authority.directory, `${name}.pem.key`),
      };
      await copyFile(from.certificate, files.certificate);
      await copyFile(from.privateKey, files.privateKey);
      return files;
    };
    const openWatched = async (files: CertificateFiles) => {
      broker = await SinkBroker.start({
        tls: {
          ...(await readCertificate(server)),
          ca: await readFile(authority.ca),
          requestCert: true,
          rejectUnauthorized: true,
        },
        answer: ({ retain }) => (retain ? 'acknowledge' : 'later'),
      });
      const { log, events } = recorded();
      const clock = new HandClock(Date.now());
      const auth = { certificate: files.certificate, privateKey: await fileSecret('key', files.privateKey) };
      const watched = createMqttHub(
        'cloud',
        mqttDialect({ url: broker.url, ca: authority.ca, auth, acknowledgeTimeout: '10 min' }),
        clock,
        log,
      );
      session = await watched.open(NEVER);
      return { clock, watched, events, opened: session };
    };

    it('are taken by a planned reconnect when both are there, and nothing is lost by it', async () => {
      const files = await lay('rotated', await authority.issue('gw-1'));
      const { clock, watched, events, opened } = await openWatched(files);
      const state = () => Promise.race([opened.lost.then(({ code }) => code), systemClock.sleep(10).then(() => 'open')]);
      const sent = opened.publish(stored(1));
      await look(clock);
      assert.equal(await state(), 'open');
      const renewed = await authority.issue('gw-2');
      await copyFile(renewed.certificate, files.certificate);
      await look(clock);
      assert.equal(events('renewed credentials not usable').length, 1);
      await look(clock);
      assert.equal(events('renewed credentials not usable').length, 1);
      await copyFile(renewed.privateKey, files.privateKey);
      await look(clock);
      await assert.rejects(opened.publish(stored(2)), { code: 'LINK_CLOSED' });
      assert.equal(await state(), 'open');
      broker.release();
      assert.ok((await sent) > 0);
      assert.equal((await opened.lost).code, 'LINK_CLOSED');
      await opened.close();
      session = await watched.open(NEVER);
      const { validToDate } = await certificateOf(files);
      assert.equal(watched.expiries.own, validToDate.getTime());
    });
  });

  it('are left alone while the file of the authorities is written', async () => {
    const ca = join(authority.directory, 'renewed-ca.crt');
    await copyFile(authority.ca, ca);
    broker = await SinkBroker.start({ tls: await readCertificate(server) });
    const { log, events } = recorded();
    const clock = new HandClock(Date.now());
    session = await createMqttHub('cloud', mqttDialect({ url: broker.url, ca }), clock, log).open(NEVER);
    const { lost } = session;
    const state = () => Promise.race([lost.then(({ code }) => code), systemClock.sleep(10).then(() => 'open')]);
    await writeFile(ca, '-----BEGIN CERT');
    await look(clock);
    assert.deepEqual([await state(), events('renewed credentials not usable').length], ['open', 1]);
    const other = await createAuthority('Another CA');
    await writeFile(ca, Buffer.concat([await readFile(authority.ca), await readFile(other.ca)]));
    await other.remove();
    await look(clock);
    assert.equal((await lost).code, 'LINK_CLOSED');
  });

  it('shows the password of now at each attempt', async () => {
    broker = await SinkBroker.start();
    const path = join(authority.directory, 'password');
    await writeFile(path, 'first\n');
    const watched = hub({ url: broker.url, auth: { username: 'gw', password: await fileSecret('password', path) } });
    await (await watched.open(NEVER)).close();
    await writeFile(path, 'second\n');
    await (await watched.open(NEVER)).close();
    assert.deepEqual(
      broker.connects.map(({ password }) => String(password)),
      ['first', 'second'],
    );
  });
});

async function look(clock: HandClock): Promise<void> {
  await clock.advance(60_000);
  // Files are read meanwhile.
  await new Promise((resolve) => setTimeout(resolve, 50));
  await settle();
}

function recorded() {
  const log = new RecordedLog();
  return { log: log.log, events: (name: string) => log.events(name) };
}
