import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFile, readFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { Secret } from '../../src/model/secret.ts';
import { createMqttHub } from '../../src/northbound/mqtt-hub.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { describeHub } from '../contract/hub.ts';
import { createAuthority, readCertificate, type TestAuthority } from '../support/certificates.ts';
import { stored } from '../support/recorded-spool-reader.ts';
import { SinkBroker, type SinkScript } from '../support/sink-broker.ts';
import { mqttDialect } from './plant.ts';

const SHORT = { connectTimeout: '300 ms', acknowledgeTimeout: '300 ms' };
const NEVER = new AbortController().signal;

function hub(url: string, settings: Readonly<Record<string, unknown>> = {}) {
  return createMqttHub('cloud', mqttDialect({ url, ...SHORT, ...settings }), systemClock);
}

const command = (id: string) => JSON.stringify({ id, desired: { speedSetpoint: 900 } });

for (const protocol of ['3.1.1', 5] as const) {
  describeHub({
    title: `dialect mqtt, MQTT ${protocol}, plain`,
    isVersion5: protocol === 5,
    startBroker: (script) => SinkBroker.start(script),
    createHub: (broker) => hub(broker.url, { protocol }),
    commandTopic: 'gw-01/press-07/command',
    command,
  });
}

describe('an MQTT session', () => {
  let broker: SinkBroker;

  afterEach(() => broker.stop());

  for (const protocol of ['3.1.1', 5] as const) {
    it(`leaves nothing with the hub that would queue commands while nobody is there, MQTT ${protocol}`, async () => {
      broker = await SinkBroker.start();
      const session = await hub(broker.url, { protocol }).open(NEVER);
      await session.close();
      const [connect] = broker.connects;
      assert.equal(connect?.clean, true);
      assert.equal(connect?.properties?.sessionExpiryInterval ?? 0, 0);
    });
  }

  it('counts what it says about the gateway and the hub does not take', async () => {
    broker = await SinkBroker.start({ answer: ({ retain }) => (retain ? { reasonCode: 0x87 } : 'acknowledge') });
    const session = await hub(broker.url).open(NEVER);
    await session.publish(stored(1));
    assert.equal(session.counters().undelivered_notices, 1);
    await session.close();
  });
});

describe('MQTT over TLS', () => {
  let authority: TestAuthority;
  let ca: string;
  let tls: NonNullable<SinkScript['tls']>;

  before(async function () {
    this.timeout(30_000);
    authority = await createAuthority();
    ca = authority.ca;
    tls = await readCertificate(await authority.issue('localhost'));
  });

  after(() => authority.remove());

  for (const protocol of ['3.1.1', 5] as const) {
    describeHub({
      title: `dialect mqtt, MQTT ${protocol}, TLS`,
      isVersion5: protocol === 5,
      startBroker: (script) => SinkBroker.start({ ...script, tls }),
      createHub: (broker) => hub(broker.url, { protocol, ca, connectTimeout: '1 s' }),
      commandTopic: 'gw-01/press-07/command',
      command,
    });
  }

  describe('trust', () => {
    let broker: SinkBroker | undefined;

    const refusal = async (tlsOptions: SinkScript['tls'], settings: Readonly<Record<string, unknown>>) => {
      broker = await SinkBroker.start(tlsOptions === undefined ? {} : { tls: tlsOptions });
      const url = broker.url.replace('mqtt:', 'mqtts:');
      return await hub(url, { connectTimeout: '2 s', ...settings })
        .open(NEVER)
        .then(
          () => assert.fail('it connected'),
          (error: unknown) => error as { code: string; message: string },
        );
    };

    afterEach(() => broker?.stop());

    it('refuses a certificate of an unknown authority and shows its fingerprint', async () => {
      const { code, message } = await refusal(tls, {});
      assert.equal(code, 'HUB_UNTRUSTED');
      assert.match(message, /authority that is not trusted.*fingerprint ([0-9A-F]{2}:){31}/);
      assert.equal(broker?.connects.length, 0);
    });

    it('refuses an expired certificate and says since when', async () => {
      const expired = { notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') };
      const { code, message } = await refusal(await readCertificate(await authority.issue('expired', expired)), { ca });
      assert.equal(code, 'HUB_UNTRUSTED');
      assert.match(message, /expired.*Jan {2}1 00:00:00 2021/);
    });

    it('refuses a certificate for another host name', async () => {
      const other = await authority.issue('other', { subjectAltNames: [{ type: 'dns', value: 'broker.elsewhere.example' }] });
      const { code, message } = await refusal(await readCertificate(other), { ca });
      assert.equal(code, 'HUB_UNTRUSTED');
      assert.match(message, /another host name/);
    });

    it('refuses a broker that knows nothing newer than TLS 1.1', async () => {
      const old = { ...tls, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
      assert.equal((await refusal(old, { ca })).code, 'HUB_REFUSED');
    });

    it('says so when no TLS is spoken at the port', async () => {
      const { code } = await refusal(undefined, { ca });
      assert.ok(['HUB_REFUSED', 'HUB_TIMEOUT'].includes(code));
    });

    for (const [scheme, other] of [
      ['mqtts', 'mqtt'],
      ['mqtt', 'mqtts'],
    ] as const) {
      it(`asks whether \`${other}://\` is meant where the port hangs up on \`${scheme}://\``, async () => {
        for (const hangUp of [(socket: Socket) => socket.resetAndDestroy(), (socket: Socket) => socket.destroy()]) {
          await using server = createServer((socket) => void socket.once('data', () => hangUp(socket)).on('error', () => {}));
          await once(server.listen(0, '127.0.0.1'), 'listening');
          const { port } = server.address() as AddressInfo;
          await assert.rejects(hub(`${scheme}://127.0.0.1:${port}`, { connectTimeout: '2 s' }).open(NEVER), (error: unknown) => {
            assert.match(String(error), new RegExp(`closed the connection.*that of \`${other}://\`\\?`));
            return true;
          });
        }
      });
    }

    it('names the CA file that cannot be read', async () => {
      const { code, message } = await refusal(tls, { ca: '/nonexistent/ca.crt' });
      assert.equal(code, 'HUB_UNTRUSTED');
      assert.match(message, /\/nonexistent\/ca\.crt/);
    });

    it('shows its certificate to a broker that asks for one, and is refused without', async () => {
      const strict = { ...tls, ca: await readFile(ca), requestCert: true, rejectUnauthorized: true };
      const { code } = await refusal(strict, { ca });
      assert.equal(code, 'HUB_UNAUTHORIZED');
      const { certificate, privateKey } = await authority.issue('gw-01');
      const auth = { certificate, privateKey: new Secret('key', await readFile(privateKey)) };
      const session = await hub(broker?.url ?? '', { ca, auth, connectTimeout: '2 s' }).open(NEVER);
      await session.publish(stored(1));
      await session.close();
    });

    it('reads the CA file anew at each attempt', async () => {
      const renewed = join(authority.directory, 'renewed.crt');
      const other = await createAuthority('Other CA');
      await copyFile(other.ca, renewed);
      await other.remove();
      broker = await SinkBroker.start({ tls });
      const renewing = hub(broker.url, { ca: renewed, connectTimeout: '2 s' });
      await assert.rejects(renewing.open(NEVER), { code: 'HUB_UNTRUSTED' });
      await copyFile(ca, renewed);
      await (await renewing.open(NEVER)).close();
    });
  });
});
