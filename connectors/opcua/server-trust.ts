import { X509Certificate } from 'node:crypto';
import { crypto_utils, type OPCUAClientOptions, StatusCodes } from 'node-opcua-client';
import { GatewayError } from '../../src/model/error.ts';
import type { Log } from '../../src/runtime/log.ts';
import type { Identity } from './identity.ts';
import { describe, isTrusted, type KnownCertificate, keepRejected, type TrustFolders } from './trust.ts';

export interface TrustOptions {
  readonly name: string;
  readonly url: string;
  readonly folders: TrustFolders;
  readonly log: Log;
}

const WARN_BEFORE_MS = 60 * 86_400_000;

/** Rejects with LINK_UNTRUSTED, and how to trust it, unless the server shows a certificate that a person has trusted. */
export async function requireTrust({ folders, name, url, log }: TrustOptions, der: Uint8Array): Promise<KnownCertificate> {
  const [leaf] = crypto_utils.split_der(Buffer.from(der));
  if (leaf === undefined) throw new GatewayError('LINK_UNTRUSTED', name, 'the server shows no certificate');
  const certificate = readServerCertificate(leaf, name);
  const known = describe(certificate, url);
  const { subject, sha1, sha256, validToMs } = known;
  warnOfExpiry(known, log);
  const told = `certificate of ${url} (${subject}, SHA-1 ${sha1}, SHA-256 ${sha256})`;
  if (validToMs < Date.now()) {
    throw new GatewayError(
      'LINK_UNTRUSTED',
      name,
      `${told} expired on ${new Date(validToMs).toISOString()}; renew it at the server`,
    );
  }
  if (await isTrusted(folders, certificate)) return known;
  const file = await keepRejected(folders, certificate);
  const advice =
    file === undefined
      ? `${folders.rejected} is full; empty it`
      : `compare the thumbprint with the one that the server shows, then trust it: mv '${file}' '${folders.trusted}/'`;
  throw new GatewayError('LINK_UNTRUSTED', name, `${told} is not trusted yet; ${advice}`);
}

function readServerCertificate(der: Buffer, name: string): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (cause) {
    throw new GatewayError('LINK_UNTRUSTED', name, 'the server shows a certificate that cannot be read', { cause });
  }
}

/** Early enough for somebody to act. */
export function warnOfExpiry({ file, subject, validToMs }: KnownCertificate, log: Log): void {
  if (validToMs > Date.now() + WARN_BEFORE_MS) return;
  log.warn('certificate expiry neared', { certificate: file, subject, valid_to: new Date(validToMs).toISOString() });
}

/** What the library asks on the way, e.g. when a server shows a new certificate at a reconnect: the same folder decides. */
export function trustStore(
  folders: TrustFolders,
  identity: Identity,
): NonNullable<OPCUAClientOptions['clientCertificateManager']> {
  const isKnown = async (given: Uint8Array | Uint8Array[]) => {
    const der = Array.isArray(given) ? given[0] : given;
    const [leaf] = der === undefined ? [] : crypto_utils.split_der(Buffer.from(der));
    if (leaf === undefined) return false;
    return leaf.equals(identity.certificate.raw) || isTrusted(folders, new X509Certificate(leaf));
  };
  const check = async (given: Uint8Array | Uint8Array[]) =>
    (await isKnown(given)) ? StatusCodes.Good : StatusCodes.BadCertificateUntrusted;
  return {
    referenceCounter: 0,
    initialize: async () => {},
    dispose: async () => {},
    checkCertificate: check,
    verifyCertificate: async (given: Uint8Array | Uint8Array[]) => (await check(given)).name,
    trustCertificate: async () => {},
    rejectCertificate: async () => {},
    getTrustStatus: check,
    addIssuer: async () => undefined,
    addRevocationList: async () => undefined,
  };
}
