import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crypto_utils } from 'node-opcua';
import { trustTool } from '../../../connectors/opcua/finding/trust-tool.ts';
import { loadIdentities, loadIdentity } from '../../../connectors/opcua/security/identity.ts';
import { acceptFile, isTrusted, keepRejected, makeFolders, trustFolders } from '../../../connectors/opcua/security/trust.ts';
import { GatewayError } from '../../../src/model/error.ts';
import { UNNAMED } from '../../../src/model/plan.ts';
import { runCli } from '../../support/run-cli.ts';
import { Bench, GATEWAY_ID } from './support.ts';

const URL = 'opc.tcp://press-07:4840';

/** A certificate as PEM, that of a person or of a gateway. */
async function makeCertificate(subject: string, days = 100, uri = 'urn:someone') {
  const { privateKey } = await crypto_utils.generateKeyPair(2048);
  const { privPem } = await crypto_utils.privateKeyToPEM(privateKey);
  const { cert } = await crypto_utils.createSelfSignedCertificate({
    privateKey,
    purpose: crypto_utils.CertificatePurpose.ForApplication,
    applicationUri: uri,
    subject,
    notBefore: new Date(Date.now() - 86_400_000),
    validity: days + 1,
  });
  return { cert, privPem };
}

describe('OPC UA trust list', () => {
  const bench = new Bench();
  beforeEach(() => bench.begin());
  afterEach(() => bench.end());
  const folders = () => trustFolders(bench.stateDirectory);

  /** The certificate of the gateway does for that of a server that was refused. */
  async function refuse() {
    const { certificate } = await loadIdentity(folders(), GATEWAY_ID);
    await keepRejected(folders(), certificate, URL);
    return certificate;
  }

  it('shows whom it belongs to, until when, and where it was seen, and keeps that when it is moved', async () => {
    const certificate = await refuse();
    const listed = async () => (await trustTool.list(bench.stateDirectory)).certificates.at(-1);
    const rejected = await listed();
    assert.deepEqual([rejected?.standing, rejected?.seenAt], ['rejected', URL]);
    assert.equal(rejected?.applicationUri, `urn:fieldmarshal:${GATEWAY_ID}`);
    assert.equal(Date.parse(rejected.validTo), Date.parse(certificate.validTo));
    await trustTool.accept(bench.stateDirectory, rejected.sha256.toLowerCase().replace(/(..)(?=.)/g, '$1:'));
    assert.ok(await isTrusted(folders(), certificate));
    const trusted = await listed();
    assert.deepEqual([trusted?.standing, trusted?.seenAt, trusted?.sha256], ['trusted', URL, rejected.sha256]);
    await trustTool.reject(bench.stateDirectory, rejected.sha1.slice(0, 8));
    assert.deepEqual([await isTrusted(folders(), certificate), (await listed())?.standing], [false, 'rejected']);
  });

  it('trusts a certificate in a file, and not a file that is none', async () => {
    const file = join(bench.stateDirectory, 'server.pem');
    const { cert } = await makeCertificate('/CN=server');
    await writeFile(file, cert);
    assert.equal((await trustTool.accept(bench.stateDirectory, file)).standing, 'trusted');
    await assert.rejects(trustTool.accept(bench.stateDirectory, join(file, 'nowhere')), { code: 'USAGE' });
    const absent = join(bench.stateDirectory, 'absent.pem');
    await assert.rejects(trustTool.accept(bench.stateDirectory, absent), { code: 'USAGE', message: /there is no such file/ });
  });

  for (const [content, told] of [
    ['not a certificate', /^this file holds something else: a certificate or a revocation list is wanted/],
    ['', /^this file holds something else/],
    ['-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n', /^this file holds a private key: a certificate/],
    ['-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n', /^this file holds a certificate request/],
    ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', /asn1|PEM/],
  ] as const) {
    it(`says what is in a file that is no certificate: ${JSON.stringify(content.slice(0, 30))}`, async () => {
      const file = join(bench.stateDirectory, 'given.pem');
      await writeFile(file, content);
      await assert.rejects(trustTool.accept(bench.stateDirectory, file), (error: GatewayError) => {
        assert.equal(error.code, 'USAGE');
        assert.match(error.message, told);
        assert.doesNotMatch(error.message, /has signed it/);
        return true;
      });
    });
  }

  it('says so where nothing can be written', async () => {
    const stateDirectory = join(bench.stateDirectory, 'file');
    await writeFile(stateDirectory, '');
    await assert.rejects(loadIdentity(trustFolders(stateDirectory), GATEWAY_ID), { code: 'STATE_WRITE' });
    const { code, stderr } = await runCli(['browse', 'opc.tcp://127.0.0.1:1'], { STATE_DIRECTORY: stateDirectory });
    assert.deepEqual([code, /\(STATE_WRITE\)\n {2}let the gateway write its state directory/.test(stderr)], [1, true], stderr);
  });

  for (const thumbprint of ['', 'ABCDEF', '../../etc/passwd', 'FFFFFFFFFFFF']) {
    it(`changes nothing for ${JSON.stringify(thumbprint)}`, async () => {
      await refuse();
      await assert.rejects(trustTool.accept(bench.stateDirectory, thumbprint), { code: 'USAGE' });
      await assert.rejects(trustTool.reject(bench.stateDirectory, thumbprint), { code: 'USAGE' });
      assert.deepEqual(await readdir(folders().trusted), []);
    });
  }

  it('trusts nobody by fewer than eight digits, which could be met by chance', async () => {
    await refuse();
    const [rejected] = await readdir(folders().rejected);
    const accept = (digits: number) => trustTool.accept(bench.stateDirectory, (rejected ?? '').slice(0, digits));
    await assert.rejects(accept(7), { code: 'USAGE' });
    assert.equal((await accept(8)).standing, 'trusted');
  });

  it('follows no symbolic link, neither to read nor to write, and tells it', async () => {
    const certificate = await refuse();
    const [rejected] = await readdir(folders().rejected);
    const outside = join(bench.stateDirectory, 'outside.pem');
    await writeFile(outside, certificate.toString());
    await symlink(outside, join(folders().trusted, 'planted.pem'));
    assert.equal(await isTrusted(folders(), certificate), false);
    const { skipped } = await trustTool.list(bench.stateDirectory);
    assert.deepEqual(skipped, [join(folders().trusted, 'planted.pem')]);
    // Where the accepted one is to be written lies a link to a file that must not change.
    await writeFile(outside, 'untouched');
    await symlink(outside, join(folders().trusted, rejected ?? ''));
    await trustTool.accept(bench.stateDirectory, (rejected ?? '').replace('.pem', ''));
    assert.equal(await readFile(outside, 'utf8'), 'untouched');
    assert.ok(await isTrusted(folders(), certificate));
    assert.ok((await stat(join(folders().trusted, rejected ?? ''))).isFile());
  });

  it('uses no folder that is a symbolic link', async () => {
    await rm(folders().trusted, { recursive: true });
    const outside = join(bench.stateDirectory, 'outside');
    await mkdir(outside);
    await symlink(outside, folders().trusted);
    await assert.rejects(makeFolders(folders()), { code: 'LINK_UNTRUSTED' });
    const { cert } = await makeCertificate('/CN=server');
    await writeFile(join(bench.stateDirectory, 'server.pem'), cert);
    await assert.rejects(acceptFile(folders(), join(bench.stateDirectory, 'server.pem')), { code: 'LINK_UNTRUSTED' });
    assert.deepEqual(await readdir(outside), []);
  });

  it('is shown and changed from the command line', async () => {
    await refuse();
    const state = ['--state', bench.stateDirectory];
    const listed = JSON.parse((await runCli(['trust', 'list', '--json', ...state])).stdout);
    const { sha256 } = listed.certificates.find(({ standing }: { standing: string }) => standing === 'rejected');
    assert.match((await runCli(['trust', 'reject', sha256, ...state])).stderr, /names no certificate of .*trusted/);
    assert.match((await runCli(['trust', 'accept', sha256, ...state])).stdout, /^trusted: .*seen at opc\.tcp:\/\/press-07:4840/);
  }).timeout(30_000);
});

describe('OPC UA certificate of the gateway', () => {
  const bench = new Bench();
  beforeEach(() => bench.begin());
  afterEach(() => bench.end());
  const folders = () => trustFolders(bench.stateDirectory);
  const thumbprints = async () =>
    (await loadIdentities(folders(), GATEWAY_ID)).map(({ certificate }) => certificate.fingerprint256);
  const put = async (folder: string, { cert, privPem }: { cert: string; privPem: string }) => {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'certificate.pem'), cert);
    await writeFile(join(folder, 'private-key.pem'), privPem);
  };
  const ours = (days: number) => makeCertificate('/CN=gateway/O=Fieldmarshal', days, `urn:fieldmarshal:${GATEWAY_ID}`);
  const foreign = (days: number) => makeCertificate('/CN=gateway/O=Plant', days, `urn:fieldmarshal:${GATEWAY_ID}`);

  it('is renewed by a person: the new one first, the old one behind it', async () => {
    const [old] = await thumbprints();
    const made = await trustTool.renew(bench.stateDirectory);
    const [first, second, ...more] = await thumbprints();
    assert.equal(first?.replaceAll(':', ''), made.sha256);
    assert.deepEqual([second, more], [old, []]);
    const standings = (await trustTool.list(bench.stateDirectory)).certificates.map(({ standing }) => standing);
    assert.deepEqual(standings, ['own', 'own, replaced']);
  });

  it('is renewed by itself 60 days before it expires, once', async () => {
    await put(folders().own, await ours(59));
    const [first, second] = await thumbprints();
    assert.ok(second !== undefined && first !== second);
    assert.deepEqual(await thumbprints(), [first, second]);
  });

  it('stays where nobody says who the gateway is: what a look at the command line made is kept by the next', async () => {
    await rm(folders().own, { recursive: true });
    await makeFolders(folders());
    const looked = await loadIdentity(folders(), UNNAMED);
    assert.equal(looked.applicationUri, `urn:fieldmarshal:${UNNAMED}`);
    const again = await loadIdentity(folders(), UNNAMED);
    assert.equal(again.certificate.fingerprint256, looked.certificate.fingerprint256);
    await put(folders().own, await ours(59));
    const ofGateway = await loadIdentities(folders(), UNNAMED);
    assert.deepEqual(
      ofGateway.map(({ applicationUri }) => applicationUri),
      [`urn:fieldmarshal:${GATEWAY_ID}`],
    );
  });

  it('that a server may know under another id stays behind the one of the id', async () => {
    await put(folders().own, await makeCertificate('/CN=gateway/O=Fieldmarshal', 100, `urn:fieldmarshal:${UNNAMED}`));
    const before = await loadIdentity(folders(), UNNAMED);
    const [newest, behind, ...more] = await loadIdentities(folders(), GATEWAY_ID);
    assert.equal(newest.applicationUri, `urn:fieldmarshal:${GATEWAY_ID}`);
    assert.deepEqual([behind?.certificate.raw, more], [before.certificate.raw, []]);
    assert.deepEqual(
      await thumbprints(),
      [newest, before].map(({ certificate }) => certificate.fingerprint256),
    );
  });

  it('is left alone while it is good for longer', async () => {
    await put(folders().own, await ours(61));
    assert.equal((await thumbprints()).length, 1);
    assert.deepEqual(await thumbprints(), await thumbprints());
  });

  it('is what was dropped into place, from the next connect on; that is never renewed here', async () => {
    await put(folders().own, await foreign(10));
    const [first, ...more] = await thumbprints();
    assert.deepEqual([await thumbprints(), more], [[first], []]);
    await assert.rejects(trustTool.renew(bench.stateDirectory), { code: 'USAGE' });
  });

  it('is not taken where its key is another one: the one that it replaced goes on', async () => {
    const { cert } = await foreign(100);
    const { privPem } = await foreign(100);
    await put(folders().own, { cert, privPem });
    await assert.rejects(thumbprints(), (error: unknown) => {
      return (
        error instanceof GatewayError && error.code === 'LINK_UNTRUSTED' && /does not belong to private-key/.test(error.message)
      );
    });
    await put(join(folders().own, 'replaced'), await foreign(100));
    assert.equal((await thumbprints()).length, 1);
  });

  it('is not written over while its key is still to come', async () => {
    const { cert, privPem } = await foreign(100);
    await put(folders().own, { cert, privPem });
    await rm(join(folders().own, 'private-key.pem'));
    await assert.rejects(thumbprints(), { code: 'LINK_UNTRUSTED' });
    assert.equal(await readFile(join(folders().own, 'certificate.pem'), 'utf8'), cert);
  });

  it('is made again where a renewal was cut off half way', async () => {
    const old = await ours(100);
    await put(join(folders().own, 'replaced'), old);
    await put(folders().own, { ...old, privPem: (await ours(100)).privPem });
    assert.equal((await thumbprints()).length, 2);
  });
});
