import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { crypto_utils, type UserIdentityInfo, UserTokenType } from 'node-opcua-client';
import type { OpcuaSettings } from './settings.ts';

/** The certificate is read anew at each connect, so that a renewed one needs no restart. */
export async function userIdentity({ user }: OpcuaSettings): Promise<UserIdentityInfo> {
  if (user === undefined) return { type: UserTokenType.Anonymous };
  if ('name' in user) return { type: UserTokenType.UserName, userName: user.name, password: user.password.reveal() };
  const certificate = new X509Certificate(await readFile(user.certificate));
  const key = crypto_utils.makePrivateKeyFromPem(user.privateKey.reveal());
  return {
    type: UserTokenType.Certificate,
    certificateData: certificate.raw,
    keyOperations: crypto_utils.keyOperationsFromPrivateKey(key),
  };
}
