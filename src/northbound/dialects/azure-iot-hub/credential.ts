import { stat } from 'node:fs/promises';
import { GatewayError } from '../../../model/error.ts';
import type { Secret } from '../../../model/secret.ts';
import type { WireSettings } from '../../dialect.ts';
import { fileSecret } from '../../file-secret.ts';
import { toPrivateKey } from '../../key-settings.ts';
import { deriveKey } from './sas-token.ts';
import type { AzureAuth } from './settings.ts';

const GROUP_AND_OTHERS = 0o077;

/** What one device shows of itself. */
export type Credential =
  /** Any of the keys will do. */
  | { readonly kind: 'key'; readonly keys: readonly [Uint8Array, ...Uint8Array[]] }
  | { readonly kind: 'certificate'; readonly shown: Pick<WireSettings, 'certificateFile' | 'privateKey' | 'keyOnToken'> };

/** Files are read at each call, so that what was renewed needs no restart. Rejects with HUB_UNAUTHORIZED where one cannot be read. */
export async function credentialOf(auth: AzureAuth, registrationId: string, twin: string): Promise<Credential> {
  const fileOf = (pattern: string) => pattern.replaceAll('{twin}', twin);
  if ('key' in auth) {
    const others = auth.otherKey === undefined ? [] : [keyOf(auth.otherKey.reveal())];
    return { kind: 'key', keys: [keyOf(auth.key.reveal()), ...others] };
  }
  if ('groupKey' in auth) return { kind: 'key', keys: [deriveKey(keyOf(auth.groupKey.reveal()), registrationId)] };
  if ('keyFiles' in auth) {
    const path = fileOf(auth.keyFiles);
    return { kind: 'key', keys: [keyOf((await readSecret(path)).reveal().trim())] };
  }
  if ('certificate' in auth)
    return { kind: 'certificate', shown: { certificateFile: auth.certificate, ...toPrivateKey(auth.privateKey) } };
  const privateKey = await readSecret(fileOf(auth.privateKeys));
  return { kind: 'certificate', shown: { certificateFile: fileOf(auth.certificates), privateKey } };
}

function keyOf(base64: string): Uint8Array {
  return Buffer.from(base64, 'base64');
}

/** As secrets of the configuration: nobody but the owner may read it. */
async function readSecret(path: string): Promise<Secret> {
  const secret = await fileSecret(path, path);
  const { mode } = await stat(path);
  if ((mode & GROUP_AND_OTHERS) === 0) return secret;
  throw new GatewayError('HUB_UNAUTHORIZED', path, `${path} can be read by others; run \`chmod 0600\` on it`);
}
