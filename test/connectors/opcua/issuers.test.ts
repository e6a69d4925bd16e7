import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonGeneralName, JsonGeneralNames } from '@peculiar/x509';
import { trustTool } from '../../../connectors/opcua/finding/trust-tool.ts';
import { trustFolders } from '../../../connectors/opcua/security/trust.ts';
import { GatewayError } from '../../../src/model/error.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import { type CertificateFiles, createAuthority, type TestAuthority } from '../../support/certificates.ts';
import { freePort, startOpcuaServer, type TestServer } from '../../support/opcua-server.ts';
import { Bench, Collected, FAST, makePlan } from './support.ts';

const NO_STOP = new AbortController().signal;
const URI: JsonGeneralName = { type: 'url', value: 'urn:test:server' };
const ADDRESS: JsonGeneralName = { type: 'ip', value: '127.0.0.1' };
const NAMES = [URI, ADDRESS];

describe('OPC UA servers with certificates of an authority', function () {
  this.timeout(20_000);
  const bench = new Bench();
  const warnings: string[] = [];
  let expiries: Readonly<Record<string, number>> | undefined;
  let authority: TestAuthority;
  let subordinate: TestAuthority;
  let files: CertificateFiles;
  let server: TestServer;

  before(async () => {
    authority = await createAuthority('Plant CA', 'rsa');
    subordinate = await authority.subordinate('Hall 3 CA');
    files = await authority.issue('press', { subjectAltNames: NAMES });
    server = await startServer(files);
  });
  after(async () => {
    await server.stop();
    await subordinate.remove();
    await authority.remove();
  });
  beforeEach(() => bench.begin());
  afterEach(() => bench.end());

  async function startServer({ certificate: certificateFile, privateKey: privateKeyFile }: CertificateFiles, port?: number) {
    return startOpcuaServer({ port: port ?? (await freePort()), options: { certificateFile, privateKeyFile } });
  }

  async function read({ url }: TestServer): Promise<void> {
    warnings.length = 0;
    const log = { ...silentLog, warn: (event: string) => void warnings.push(event), with: () => log };
    const connector = bench.connector(makePlan({ url, ...FAST }, { press: { Speed: {} } }), log);
    const session = await connector.open(NO_STOP);
    ({ expiries } = connector.status());
    await new Collected(session).until('Speed');
    await session.close();
  }

  async function refusal(of: TestServer): Promise<GatewayError> {
    const error = await read(of).then(
      () => undefined,
      (error: unknown) => error,
    );
    assert.ok(error instanceof GatewayError, 'expected the server to be refused');
    return error;
  }

  async function withServer(of: CertificateFiles, use: (server: TestServer) => Promise<void>): Promise<void> {
    const other = await startServer(of);
    try {
      await use(other);
    } finally {
      await other.stop();
    }
  }

  const accept = (file: string) => trustTool.accept(bench.stateDirectory, file);
  const authorities = async () =>
    (await trustTool.list(bench.stateDirectory)).certificates.filter(({ standing }) => standing === 'authority');

  it('trusts them with the authority, warns as long as there is no revocation list, and no more without the authority', async () => {
    assert.equal((await refusal(server)).code, 'LINK_UNTRUSTED');
    const accepted = await accept(authority.ca);
    assert.equal(accepted.standing, 'authority');
    await read(server);
    assert.equal(expiries?.authority, Date.parse(accepted.validTo));
    assert.deepEqual(warnings, ['authority without a revocation list']);
    await accept(await authority.revoke([]));
    await read(server);
    assert.deepEqual(warnings, []);
    await trustTool.reject(bench.stateDirectory, accepted.sha256);
    assert.deepEqual(await authorities(), []);
    assert.equal((await refusal(server)).code, 'LINK_UNTRUSTED');
  });

  it('refuses one that was revoked, though a person had trusted it, and tells of a list that is old', async () => {
    await refusal(server);
    await accept(files.certificate);
    await read(server);
    await accept(authority.ca);
    const list = await authority.revoke([files.certificate], { nextUpdate: new Date(Date.now() - 1_000) });
    const { revocations } = await accept(list);
    assert.equal(revocations?.revoked, 1);
    const { code, message } = await refusal(server);
    assert.equal(code, 'LINK_UNTRUSTED');
    assert.match(message, /was revoked by CN=Plant CA \(.*\.crl\)/);
    await accept(await authority.revoke([], { nextUpdate: new Date(Date.now() - 1_000) }));
    const { certificates } = await trustTool.list(bench.stateDirectory);
    await trustTool.reject(bench.stateDirectory, certificates.find(({ standing }) => standing === 'trusted')?.sha256 ?? '');
    await read(server);
    assert.deepEqual(warnings, ['revocation list is old']);
  });

  it('follows the chain that a server sends, and does not trust without it', async () => {
    const leaf = await subordinate.issue('drive', { subjectAltNames: NAMES });
    await accept(authority.ca);
    await withServer(leaf, async (alone) => {
      assert.match((await refusal(alone)).message, /is not trusted yet/);
    });
    const chain = join(bench.stateDirectory, 'chain.pem');
    await writeFile(chain, `${await readFile(leaf.certificate, 'utf8')}${await readFile(subordinate.ca, 'utf8')}`);
    await withServer({ ...leaf, certificate: chain }, read);
  });

  it('refuses what an authority has signed that was itself revoked', async () => {
    const leaf = await subordinate.issue('pump', { subjectAltNames: NAMES });
    await accept(authority.ca);
    await accept(subordinate.ca);
    await withServer(leaf, async (server) => {
      await read(server);
      await accept(await authority.revoke([subordinate.ca]));
      assert.match((await refusal(server)).message, /was revoked by CN=Plant CA/);
    });
  });

  it('says that the authority expired, not that the server is unknown, and takes its renewed certificate', async () => {
    const old = await createAuthority('Old CA', 'rsa', new Date(Date.now() - 1_000));
    const leaf = await old.issue('saw', { subjectAltNames: NAMES });
    await accept(old.ca);
    await withServer(leaf, async (server) => {
      assert.match(
        (await refusal(server)).message,
        /is of an authority whose own certificate \(CN=Old CA, .*\) is valid to \d{4}-/,
      );
      await accept(await old.renew());
      await read(server);
    });
    await old.remove();
  });

  it('tells a server that shows another certificate than the one that a person has trusted', async () => {
    const [first, second] = await Promise.all(['one', 'two'].map((name) => authority.issue(name, { subjectAltNames: NAMES })));
    assert.ok(first && second);
    const port = await freePort();
    const one = await startServer(first, port);
    assert.match((await refusal(one)).message, /is not trusted yet; compare/);
    await trustTool.accept(bench.stateDirectory, new X509Certificate(await readFile(first.certificate)).fingerprint256);
    await read(one);
    await one.stop();
    const other = await startServer(second, port);
    const { message } = await refusal(other);
    await other.stop();
    assert.match(message, /is not trusted yet, and another one of the same URL is, SHA-256 [0-9A-F]{64}: ask .*; compare/);
  });

  it('refuses one that has expired, though a person had trusted it', async () => {
    const expired = await authority.issue('old', { subjectAltNames: NAMES, notAfter: new Date(Date.now() - 1_000) });
    await accept(authority.ca);
    await accept(expired.certificate);
    await withServer(expired, async (server) => {
      assert.match((await refusal(server)).message, /expired on \d{4}-.*renew it at the server/);
    });
  });

  it('refuses one that an authority has signed for later', async () => {
    const leaf = await authority.issue('later', { subjectAltNames: NAMES, notBefore: new Date(Date.now() + 3_600_000) });
    await accept(authority.ca);
    await withServer(leaf, async (server) => {
      assert.match((await refusal(server)).message, /not valid before .*: compare the clocks/);
    });
  });

  it('does not take the certificate of another application or host for that of the server', async () => {
    await accept(authority.ca);
    const of = (names: JsonGeneralNames) => authority.issue('other', { subjectAltNames: names });
    await withServer(await of([{ type: 'url', value: 'urn:other' }, ADDRESS]), async (other) => {
      assert.match((await refusal(other)).message, /made for the application urn:other, and the server calls itself/);
    });
    await withServer(await of([URI, { type: 'ip', value: '127.0.0.9' }]), async (other) => {
      assert.match((await refusal(other)).message, /not made for the host 127\.0\.0\.1/);
    });
  });

  it('keeps no list of somebody else, and none that is older than the one it has', async () => {
    const stranger = await createAuthority('Somebody', 'rsa');
    await accept(authority.ca);
    await assert.rejects(accept(await stranger.revoke([])), { code: 'USAGE', message: /no authority of the trust list/ });
    await stranger.remove();
    const older = await authority.revoke([]);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await accept(await authority.revoke([files.certificate]));
    await assert.rejects(accept(older), { code: 'USAGE', message: /a newer revocation list/ });
    assert.deepEqual(
      (await authorities()).map(({ revocations }) => revocations?.revoked),
      [1],
    );
    assert.ok((await authorities())[0]?.file.startsWith(trustFolders(bench.stateDirectory).issuers));
  });
});
