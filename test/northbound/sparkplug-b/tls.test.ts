import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { fileSecret } from '../../../src/northbound/file-secret.ts';
import { createAuthority, readCertificate, type TestAuthority } from '../../support/certificates.ts';
import { SinkBroker } from '../../support/sink-broker.ts';
import { type Edge, edge, hubOf, NEVER, T0, values } from './plant.ts';

describe('an edge node over TLS', () => {
  let authority: TestAuthority;
  let broker: SinkBroker;
  let fingerprint: string;
  let node: Edge | undefined;

  before(async function () {
    this.timeout(30_000);
    authority = await createAuthority();
    const files = await authority.issue('localhost');
    fingerprint = new X509Certificate(await readFile(files.certificate)).fingerprint256;
    const tls = { ...(await readCertificate(files)), ca: await readFile(authority.ca), requestCert: true };
    broker = await SinkBroker.start({ tls: { ...tls, rejectUnauthorized: true } });
  });

  afterEach(async () => {
    if (node !== undefined) await rm(node.stateDirectory, { recursive: true });
    node = undefined;
  });

  after(async () => {
    await broker.stop();
    await authority.remove();
  });

  const hub = async (settings: Readonly<Record<string, unknown>>) => {
    const { certificate, privateKey } = await authority.issue('gw-01');
    const auth = { certificate, privateKey: await fileSecret('key', privateKey) };
    node = await edge({ url: broker.url, auth, ...settings });
    return hubOf(node);
  };

  it('shows its certificate, and knows the broker by a pin alone', async () => {
    const session = await (await hub({ pin: fingerprint })).open(NEVER);
    await session.publish(values('press-07', T0, { temperature: [[0, 1]] }));
    await session.close();
    assert.match(broker.publishes[0]?.topic ?? '', /NBIRTH/);
  });

  it('says nothing to a broker that is another one than the pin says, not even its birth and death', async () => {
    const before = broker.connects.length;
    const pin = fingerprint.replace(/^../, (byte) => (byte === '00' ? '01' : '00'));
    await assert.rejects((await hub({ pin, ca: authority.ca })).open(NEVER), { code: 'HUB_UNTRUSTED' });
    assert.equal(broker.connects.length, before);
  });
});
