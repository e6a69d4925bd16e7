import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crypto_utils } from 'node-opcua';
import { connect } from '../../../connectors/opcua/connection/client.ts';
import { connectionSchema } from '../../../connectors/opcua/mapping/settings.ts';
import { applicationUri } from '../../../connectors/opcua/security/identity.ts';
import { acceptFile, trustFolders } from '../../../connectors/opcua/security/trust.ts';
import { Expiries } from '../../../src/runtime/expiries.ts';
import { type Log, silentLog } from '../../../src/runtime/log.ts';
import { startOpcuaServer, type TestServer } from '../../support/opcua-server.ts';
import { Bench, GATEWAY_ID } from './support.ts';

const NO_STOP = new AbortController().signal;

describe('the OPC UA certificate of the gateway, while a session lasts', () => {
  const bench = new Bench();
  let server: TestServer;
  before(async () => {
    server = await startOpcuaServer({ isStrict: true });
  });
  after(() => server.stop());
  beforeEach(() => bench.begin());
  afterEach(() => bench.end());

  /** As the gateway makes it, but nearly over. */
  async function putAged(folder: string): Promise<void> {
    const { privateKey } = await crypto_utils.generateKeyPair(2048);
    const { privPem } = await crypto_utils.privateKeyToPEM(privateKey);
    const { cert } = await crypto_utils.createSelfSignedCertificate({
      privateKey,
      purpose: crypto_utils.CertificatePurpose.ForApplication,
      applicationUri: applicationUri(GATEWAY_ID),
      subject: '/CN=gateway/O=Fieldmarshal',
      validity: 50,
    });
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'certificate.pem'), cert);
    await writeFile(join(folder, 'private-key.pem'), privPem);
  }

  it('is renewed when it is time, and the server is shown the new one', async () => {
    const folders = trustFolders(bench.stateDirectory);
    const own = async () => new X509Certificate(await readFile(join(folders.own, 'certificate.pem')));
    const manager = server.server.serverCertificateManager;
    await manager.trustCertificate((await own()).raw);
    const warned: unknown[] = [];
    const log: Log = { ...silentLog, warn: (event) => void warned.push(event) };
    const expiries = new Expiries(silentLog);
    const settings = { ...connectionSchema.parse({ url: server.url }), url: server.url };
    const serverFile = join(bench.stateDirectory, 'server.pem');
    await writeFile(serverFile, new X509Certificate(server.server.getCertificate()).toString());
    await acceptFile(folders, serverFile);
    const options = { name: 'press', settings, folders, gatewayId: GATEWAY_ID, signal: NO_STOP, log, expiries };
    const open = await connect(options);
    try {
      await open.lookAtCertificates(NO_STOP);
      const used = await own();
      await putAged(folders.own);
      await manager.trustCertificate((await own()).raw);
      await open.lookAtCertificates(NO_STOP);
      const renewed = await own();
      assert.ok(Date.parse(renewed.validTo) > Date.parse(used.validTo) - 86_400_000);
      assert.deepEqual(warned, ['new certificate not trusted']);
      await manager.trustCertificate(renewed.raw);
      await open.lookAtCertificates(NO_STOP);
      assert.equal(warned.length, 1);
    } finally {
      await open.close(1_000);
    }
  }).timeout(20_000);
});
