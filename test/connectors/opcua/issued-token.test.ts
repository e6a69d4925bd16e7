import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AnonymousIdentityToken,
  IssuedIdentityToken,
  SecurityPolicy,
  UserNameIdentityToken,
  UserTokenPolicy,
  UserTokenType,
} from 'node-opcua';
import { acceptCertificate, listCertificates, trustFolders } from '../../../connectors/opcua/security/trust.ts';
import { startOpcuaServer, type TestServer } from '../../support/opcua-server.ts';
import { Bench, Collected, FAST, makePlan } from './support.ts';

const NO_STOP = new AbortController().signal;
/** Longer than what RSA encrypts at once. */
const JWT = `eyJhbGciOiJSUzI1NiJ9.${'a'.repeat(1_500)}.c2lnbmF0dXJl`;

type Answer = (error: Error | null, isAuthorized?: boolean) => void;
interface Authorizer {
  isUserAuthorized(channel: unknown, session: unknown, token: unknown, answer: Answer): void;
  userNameIdentityTokenAuthenticateUser(
    channel: unknown,
    session: unknown,
    policy: UserTokenPolicy,
    token: UserNameIdentityToken,
    answer: Answer,
  ): void;
  userManager: { isValidUser(session: unknown, name: string, password: string): Promise<boolean> };
}

describe('OPC UA users with an issued token', () => {
  const bench = new Bench();
  let server: TestServer;
  let received: string[];

  /** A server that takes issued tokens, encrypted with `policyUri`, or as they are where that is None. */
  async function start(policyUri: string): Promise<void> {
    await bench.begin();
    server = await startOpcuaServer();
    bench.onEnd(() => server.stop());
    received = [];
    const policy = new UserTokenPolicy({
      policyId: 'jwt',
      tokenType: UserTokenType.IssuedToken,
      issuedTokenType: 'http://opcfoundation.org/UA/UserToken#JWT',
      securityPolicyUri: policyUri,
    });
    for (const endpoint of server.server.endpoints.flatMap((each) => each.endpointDescriptions())) {
      endpoint.userIdentityTokens?.push(policy);
    }
    const authorizer = server.server as unknown as Authorizer;
    authorizer.userManager.isValidUser = async (_, __, password) => received.push(password) > 0 && password === JWT;
    authorizer.isUserAuthorized = (channel, session, token, answer) => {
      if (!(token instanceof IssuedIdentityToken)) return answer(null, false);
      // The server decrypts passwords, and has no way of its own for tokens, which are encrypted the same way.
      const asPassword = new UserNameIdentityToken({
        policyId: 'jwt',
        userName: 'token',
        password: token.tokenData,
        encryptionAlgorithm: token.encryptionAlgorithm,
      });
      authorizer.userNameIdentityTokenAuthenticateUser(channel, session, policy, asPassword, answer);
      // Nor has it roles for such users: from here on it is anybody.
      Object.setPrototypeOf(token, AnonymousIdentityToken.prototype);
    };
  }
  afterEach(() => bench.end());

  async function connector(token: string, settings: Readonly<Record<string, unknown>> = {}) {
    const tokenFile = join(bench.stateDirectory, 'token.jwt');
    await writeFile(tokenFile, `${token}\n`);
    const made = bench.connector(
      makePlan({ url: server.url, ...FAST, user: { tokenFile }, ...settings }, { press: { Speed: {} } }),
    );
    await made.open(NO_STOP).catch(() => {});
    const folders = trustFolders(bench.stateDirectory);
    const [rejected] = await listCertificates(folders.rejected);
    if (rejected !== undefined) await acceptCertificate(folders, rejected.sha1);
    return made;
  }

  for (const policy of [SecurityPolicy.Basic256Sha256, SecurityPolicy.Aes256_Sha256_RsaPss, SecurityPolicy.None]) {
    it(`sends it as the server wants it: ${policy.split('#')[1]}, and the renewed one at the next connect`, async () => {
      await start(policy);
      const made = await connector('expired');
      await assert.rejects(made.open(NO_STOP), { code: 'LINK_UNAUTHORIZED' });
      await writeFile(join(bench.stateDirectory, 'token.jwt'), JWT);
      const session = await bench.open(made);
      await new Collected(session).until('Speed');
      assert.deepEqual(received, ['expired', JWT]);
    });
  }

  it('shows it to nobody on the way', async () => {
    await start(SecurityPolicy.None);
    const made = await connector(JWT, { security: { policy: 'none' } });
    await assert.rejects(made.open(NO_STOP), { code: 'LINK_UNTRUSTED', message: /token of the user readable/ });
    assert.deepEqual(received, []);
  });
});
