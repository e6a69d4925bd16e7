import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type net from 'node:net';
import type tls from 'node:tls';
import { Secret } from '../../../src/model/secret.ts';
import { type CertificateFiles, createAuthority, readCertificate, type TestAuthority } from '../../support/certificates.ts';
import { planOf } from './modbus-plan.ts';
import { answerTo, portOfServer, startRawServer } from './raw-server.ts';
import { connectorOf, never, openRig, type Rig } from './rig.ts';

const DEVICES = { press: { points: { first: { address: { holding: 0 }, type: 'uint16' } } } } as const;
const PAST = new Date('2020-01-01');

describe('Modbus/TCP Security', () => {
  let authority: TestAuthority;
  let stranger: TestAuthority;
  let client: CertificateFiles;
  let server: net.Server | undefined;
  let rig: Rig | undefined;

  before(async () => {
    [authority, stranger] = [await createAuthority('Plant CA'), await createAuthority('Another CA')];
    client = await authority.issue('gateway');
  });
  after(async () => {
    await authority.remove();
    await stranger.remove();
  });
  afterEach(async () => {
    await rig?.session.close();
    server?.close();
    rig = server = undefined;
  });

  const startServer = async (files: CertificateFiles, options: tls.TlsOptions = {}): Promise<number> => {
    const identity = { ...(await readCertificate(files)), ca: await readFile(authority.ca) };
    const mutual = { requestCert: true, rejectUnauthorized: true };
    server = await startRawServer((socket, request) => socket.write(answerTo(request)), { ...identity, ...mutual, ...options });
    return portOfServer(server);
  };
  const own = async (files = client) => ({
    certificate: files.certificate,
    privateKey: new Secret('gateway.key', await readFile(files.privateKey)),
  });
  const planFor = (port: number, keys: object, host = '127.0.0.1') =>
    planOf('modbus-tcp', { host, port, timeout: '5 s', tls: keys }, DEVICES);
  const refusal = (port: number, keys: object, host?: string) =>
    connectorOf(planFor(port, keys, host))
      .open(never)
      .then(
        () => assert.fail('it was opened'),
        (error: unknown) => error as { code: string; message: string },
      );

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`reads over ${version} from a device of a trusted authority that knows the gateway`, async () => {
      const port = await startServer(await authority.issue('press'), { minVersion: version, maxVersion: version });
      rig = await openRig(planFor(port, { ca: authority.ca, ...(await own()) }));
      assert.equal(await rig.value('first'), 1);
    });

    it(`says that the device wants a certificate of the gateway (${version})`, async () => {
      const port = await startServer(await authority.issue('press'), { minVersion: version, maxVersion: version });
      const { code, message } = await refusal(port, { ca: authority.ca });
      assert.equal(code, 'LINK_UNAUTHORIZED', message);
      assert.match(message, /tls\.certificate/);
    });

    it(`says that the device does not know the certificate of the gateway (${version})`, async () => {
      const port = await startServer(await authority.issue('press'), { minVersion: version, maxVersion: version });
      const { code, message } = await refusal(port, { ca: authority.ca, ...(await own(await stranger.issue('gateway'))) });
      assert.equal(code, 'LINK_UNAUTHORIZED', message);
    });
  }

  it('refuses a device of another authority, and says what to compare', async () => {
    const port = await startServer(await stranger.issue('press'));
    const { code, message } = await refusal(port, { ca: authority.ca, ...(await own()) });
    assert.equal(code, 'LINK_UNTRUSTED', message);
    assert.match(message, /tls\.ca/);
  });

  it('refuses a certificate for another name, and takes it under `serverName`', async () => {
    const files = await authority.issue('press', { subjectAltNames: [{ type: 'dns', value: 'press-07.example' }] });
    const port = await startServer(files);
    const { code, message } = await refusal(port, { ca: authority.ca, ...(await own()) });
    assert.equal(code, 'LINK_UNTRUSTED', message);
    assert.match(message, /tls\.serverName/);
    rig = await openRig(planFor(port, { ca: authority.ca, serverName: 'press-07.example', ...(await own()) }));
    assert.equal(await rig.value('first'), 1);
  });

  it('refuses a certificate that has expired', async () => {
    const port = await startServer(await authority.issue('press', { notBefore: PAST, notAfter: new Date('2021-01-01') }));
    const { code, message } = await refusal(port, { ca: authority.ca, ...(await own()) });
    assert.equal(code, 'LINK_UNTRUSTED', message);
    assert.match(message, /expired/);
  });

  it('takes exactly the pinned certificate, whoever issued it and whatever name it bears', async () => {
    const files = await stranger.issue('press', { subjectAltNames: [{ type: 'dns', value: 'elsewhere' }] });
    const port = await startServer(files);
    const { fingerprint256: fingerprint } = new X509Certificate(await readFile(files.certificate));
    rig = await openRig(planFor(port, { fingerprint: fingerprint.toLowerCase(), ...(await own()) }));
    assert.equal(await rig.value('first'), 1);
    const { code, message } = await refusal(port, { fingerprint: fingerprint.replace(/^../, '00'), ...(await own()) });
    assert.equal(code, 'LINK_UNTRUSTED', message);
    assert.ok(message.includes(fingerprint), message);
  });

  it('says that no TLS is spoken at a port of plain Modbus TCP', async () => {
    server = await startRawServer((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    server.on('connection', (socket) => socket.write(Buffer.from([0, 1, 0, 0, 0, 3, 1, 0x83, 1])));
    const { code, message } = await refusal(portOfServer(server), { ca: authority.ca });
    assert.equal(code, 'LINK_PROTOCOL', message);
  });

  it('has port 802 of its own, and 502 stays that of plain Modbus TCP', () => {
    const endpoint = (keys: object) => planOf('modbus-tcp', { host: 'press', ...keys }, DEVICES).endpoint;
    assert.equal(endpoint({}), 'modbus-tcp://press:502');
    assert.equal(endpoint({ tls: { ca: 'ca.crt' } }), 'modbus-tcp://press:802');
    assert.equal(endpoint({ port: 8_802, tls: { ca: 'ca.crt' } }), 'modbus-tcp://press:8802');
  });
});
