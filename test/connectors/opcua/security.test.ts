import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crypto_utils } from 'node-opcua';
import { trustTool } from '../../../connectors/opcua/finding/trust-tool.ts';
import {
  acceptCertificate,
  listCertificates,
  rejectCertificate,
  trustFolders,
} from '../../../connectors/opcua/security/trust.ts';
import { GatewayError } from '../../../src/model/error.ts';
import { Secret } from '../../../src/model/secret.ts';
import { type Log, silentLog } from '../../../src/runtime/log.ts';
import type { Connector } from '../../../src/southbound/connector.ts';
import { startOpcuaServer, type TestServer } from '../../support/opcua-server.ts';
import { LAUNCHER } from '../../support/run-cli.ts';
import { Bench, Collected, FAST, makePlan } from './support.ts';

const NO_STOP = new AbortController().signal;
const secret = (text: string) => new Secret('test', Buffer.from(text));

async function refusal(connector: Connector): Promise<GatewayError> {
  const error = await connector.open(NO_STOP).then(
    (session) => session.close().then(() => undefined),
    (error: unknown) => error,
  );
  assert.ok(error instanceof GatewayError, 'expected the server to be refused');
  return error;
}

async function userCertificate(folder: string): Promise<{ certificate: string; privateKey: Secret }> {
  const { privateKey } = await crypto_utils.generateKeyPair(2048);
  const { privPem } = await crypto_utils.privateKeyToPEM(privateKey);
  const { cert } = await crypto_utils.createSelfSignedCertificate({
    privateKey,
    purpose: crypto_utils.CertificatePurpose.ForUserAuthentication,
    subject: '/CN=operator',
    validity: 10,
  });
  const certificate = join(folder, 'user.pem');
  await writeFile(certificate, cert);
  return { certificate, privateKey: secret(privPem) };
}

describe('OPC UA security', () => {
  let server: TestServer;
  const bench = new Bench();

  before(async () => {
    server = await startOpcuaServer();
  });
  after(() => server.stop());

  function connector(settings: Readonly<Record<string, unknown>> = {}, of = server, log = silentLog): Connector {
    return bench.connector(makePlan({ url: of.url, ...FAST, ...settings }, { press: { Speed: {} } }), log);
  }

  async function trustServer(): Promise<void> {
    const folders = trustFolders(bench.stateDirectory);
    await refusal(connector());
    const [rejected] = await listCertificates(folders.rejected);
    assert.ok(rejected);
    await acceptCertificate(folders, rejected.sha1);
  }

  describe('of a server that is not known yet', () => {
    beforeEach(() => bench.begin());
    afterEach(() => bench.end());

    it('refuses it, with thumbprints and the command that trusts it; that command works', async () => {
      const { code, message } = await refusal(connector());
      assert.equal(code, 'LINK_UNTRUSTED');
      const folders = trustFolders(bench.stateDirectory);
      const [rejected] = await listCertificates(folders.rejected);
      assert.ok(rejected);
      assert.ok(message.includes(rejected.sha1) && message.includes(rejected.sha256) && message.includes(rejected.subject));
      const command = /: (fieldmarshal trust accept .*)$/.exec(message)?.[1] ?? '';
      const PATH = `${dirname(LAUNCHER)}:${process.env.PATH}`;
      execFileSync('sh', ['-c', command], { env: { ...process.env, PATH }, stdio: 'ignore' });
      const session = await bench.open(connector());
      await new Collected(session).until('Speed');
    });

    it('refuses it again when the trust is taken away', async () => {
      await trustServer();
      const folders = trustFolders(bench.stateDirectory);
      const [trusted] = await listCertificates(folders.trusted);
      assert.ok(trusted);
      await rejectCertificate(folders, trusted.sha256.slice(0, 12));
      assert.equal((await refusal(connector())).code, 'LINK_UNTRUSTED');
    });

    it('trusts nobody by part of a thumbprint that is empty or unknown', async () => {
      const folders = trustFolders(bench.stateDirectory);
      await refusal(connector());
      assert.equal(await acceptCertificate(folders, ''), undefined);
      assert.equal(await acceptCertificate(folders, 'FFFF'), undefined);
      assert.deepEqual(await listCertificates(folders.trusted), []);
    });

    it('keeps one refused certificate once, however often the server is tried', async () => {
      await refusal(connector());
      await refusal(connector());
      assert.equal((await readdir(trustFolders(bench.stateDirectory).rejected)).length, 1);
    });

    it('makes its own certificate at first start, keeps it, and lets nobody else read the key', async () => {
      await bench.end();
      await bench.begin({ isFirstStart: true });
      await refusal(connector());
      const { own } = trustFolders(bench.stateDirectory);
      const first = await readFile(join(own, 'certificate.pem'), 'utf8');
      await refusal(connector());
      assert.equal(await readFile(join(own, 'certificate.pem'), 'utf8'), first);
      assert.equal((await stat(join(own, 'private-key.pem'))).mode & 0o777, 0o600);
      for (const folder of Object.values(trustFolders(bench.stateDirectory)))
        assert.equal((await stat(folder)).mode & 0o777, 0o700);
    });
  });

  describe('of a trusted server', () => {
    before(async () => {
      await bench.begin();
      await trustServer();
    });
    after(() => bench.end());

    for (const policy of ['basic256sha256', 'aes128-sha256-rsaoaep', 'aes256-sha256-rsapss', 'best']) {
      for (const mode of ['sign', 'sign-and-encrypt']) {
        it(`reads with ${policy} and ${mode} as a user with a password`, async () => {
          const user = { name: 'operator', password: secret('secret') };
          const session = await connector({ security: { policy, mode }, user }).open(NO_STOP);
          await new Collected(session).until('Speed');
          await session.close();
        });
      }
    }

    it('tells in its status when the own certificate and that of the server expire', async () => {
      const made = connector();
      await (await made.open(NO_STOP)).close();
      const { expiries = {}, details } = made.status();
      const [trusted] = await listCertificates(trustFolders(bench.stateDirectory).trusted);
      assert.deepEqual([Object.keys(expiries), expiries.server], [['own', 'server'], trusted?.validToMs]);
      const shown = JSON.parse(JSON.stringify(details?.certificates ?? {}));
      assert.deepEqual([shown.server.sha256, shown.server.isExpiring], [trusted?.sha256, false]);
    });

    it('reads as a user with a certificate', async () => {
      const user = await userCertificate(bench.stateDirectory);
      const made = connector({ user });
      const session = await made.open(NO_STOP);
      assert.deepEqual(Object.keys(made.status().expiries ?? {}), ['own', 'server', 'user']);
      await new Collected(session).until('Speed');
      await session.close();
    });

    it('says that the password is wrong, without showing it', async () => {
      const { code, message } = await refusal(connector({ user: { name: 'operator', password: secret('wrong-canary') } }));
      assert.equal(code, 'LINK_UNAUTHORIZED');
      assert.doesNotMatch(message, /wrong-canary/);
    });
  });

  it('sends no password over an open channel', async () => {
    await bench.begin();
    const user = { name: 'operator', password: secret('canary') };
    try {
      const { code, message } = await refusal(connector({ security: { policy: 'none' }, user }));
      assert.equal(code, 'LINK_UNTRUSTED');
      assert.match(message, /password/);
      assert.doesNotMatch(message, /canary/);
    } finally {
      await bench.end();
    }
  });

  describe('of servers that want something else', () => {
    let strict: TestServer;
    before(async () => {
      await bench.begin();
      strict = await startOpcuaServer({ isStrict: true, options: { allowAnonymous: false } });
    });
    after(async () => {
      await strict.stop();
      await bench.end();
    });

    it('says that the server must trust the gateway, and where its certificate is', async () => {
      const folders = trustFolders(bench.stateDirectory);
      await refusal(connector({}, strict));
      const [rejected] = await listCertificates(folders.rejected);
      await acceptCertificate(folders, rejected?.sha1 ?? '');
      const { code, message } = await refusal(connector({}, strict));
      assert.equal(code, 'LINK_UNTRUSTED');
      assert.ok(message.includes(join(folders.own, 'certificate.pem')), message);
    });

    it('shows the certificate before to a server that does not trust the new one yet, and the new one once it does', async () => {
      const folders = trustFolders(bench.stateDirectory);
      const manager = strict.server.serverCertificateManager;
      const trustOwn = async () => {
        await manager.trustCertificate(new X509Certificate(await readFile(join(folders.own, 'certificate.pem'))).raw);
      };
      const user = { name: 'operator', password: secret('secret') };
      await trustOwn();
      const warned: string[] = [];
      const log: Log = { ...silentLog, warn: (event) => warned.push(event) };
      const open = async () => (await connector({ user }, strict, log).open(NO_STOP)).close();
      await open();
      await trustTool.renew(bench.stateDirectory);
      await open();
      assert.deepEqual(warned, ['new certificate not trusted']);
      await trustOwn();
      await open();
      assert.deepEqual(warned, ['new certificate not trusted']);
    });

    it('says that the server takes nobody without a name', async () => {
      const error = await refusal(connector({ security: { policy: 'none' } }, strict));
      assert.equal(error.code, 'LINK_UNAUTHORIZED');
    });
  });

  it('never takes less protection than configured, and tells what is offered', async () => {
    await bench.begin();
    const open = await startOpcuaServer({
      options: { securityModes: [1], securityPolicies: ['http://opcfoundation.org/UA/SecurityPolicy#None' as never] },
    });
    try {
      const { code, message } = await refusal(connector({}, open));
      assert.equal(code, 'LINK_UNTRUSTED');
      assert.match(message, /None\/None/);
    } finally {
      await open.stop();
      await bench.end();
    }
  });
});
