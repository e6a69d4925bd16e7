import { generateKeyPair, type KeyObject, webcrypto } from 'node:crypto';
import { promisify } from 'node:util';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export interface KeyWithRequest {
  /** PEM, PKCS #8. */
  readonly privateKey: string;
  /** Certificate signing request, PEM (RFC 2986). */
  readonly request: string;
}

/** A new key and the request to certify it. The library is loaded now and not before: it is wanted once in the life of a gateway. */
export async function createKeyWithRequest(commonName: string): Promise<KeyWithRequest> {
  // First: the library does not load without it.
  await import('reflect-metadata');
  const { Pkcs10CertificateRequestGenerator } = await import('@peculiar/x509');
  const { privateKey, publicKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' });
  const keys = { privateKey: await asCryptoKey(privateKey, 'sign'), publicKey: await asCryptoKey(publicKey, 'verify') };
  const request = await Pkcs10CertificateRequestGenerator.create({ name: `CN=${commonName}`, keys, signingAlgorithm: ALGORITHM });
  return { privateKey: String(privateKey.export({ type: 'pkcs8', format: 'pem' })), request: request.toString('pem') };
}

function asCryptoKey(key: KeyObject, usage: 'sign' | 'verify'): Promise<webcrypto.CryptoKey> {
  const [format, type] = usage === 'sign' ? (['pkcs8', 'pkcs8'] as const) : (['spki', 'spki'] as const);
  const der = key.export({ type, format: 'der' });
  return webcrypto.subtle.importKey(format, der, ALGORITHM, true, [usage]);
}
