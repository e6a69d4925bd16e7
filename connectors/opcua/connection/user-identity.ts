import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type ClientSession, crypto_utils, type OPCUAClient, type UserIdentityInfo, UserTokenType } from 'node-opcua-client';
import type { Expiries } from '../../../src/runtime/expiries.ts';
import type { OpcuaSettings } from '../mapping/settings.ts';
import { describe } from '../security/trust.ts';
import { createIssuedSession } from './issued-token.ts';

/** Files are read anew at each connect, so that what was renewed needs no restart. */
export async function createSession(
  client: OPCUAClient,
  { user }: Pick<OpcuaSettings, 'user'>,
  expiries: Expiries,
): Promise<ClientSession> {
  if (user !== undefined && 'tokenFile' in user) {
    return createIssuedSession(client, (await readFile(user.tokenFile, 'utf8')).trim());
  }
  return client.createSession(await userIdentity(user, expiries));
}

async function userIdentity(
  user: Exclude<OpcuaSettings['user'], { tokenFile: string }>,
  expiries: Expiries,
): Promise<UserIdentityInfo> {
  if (user === undefined) return { type: UserTokenType.Anonymous };
  if ('name' in user) return { type: UserTokenType.UserName, userName: user.name, password: user.password.reveal() };
  const certificate = new X509Certificate(await readFile(user.certificate));
  expiries.note('user', describe(certificate, user.certificate));
  const key = crypto_utils.makePrivateKeyFromPem(user.privateKey.reveal());
  return {
    type: UserTokenType.Certificate,
    certificateData: certificate.raw,
    keyOperations: crypto_utils.keyOperationsFromPrivateKey(key),
  };
}
