import { X509Certificate } from 'node:crypto';
import { dirname } from 'node:path';
import { crypto_utils, type OPCUAClientOptions, StatusCodes } from 'node-opcua-client';
import { GatewayError } from '../../src/model/error.ts';
import type { Identity } from './identity.ts';
import { describe, isTrusted, type KnownCertificate, keepRejected, type TrustFolders } from './trust.ts';

export interface TrustOptions {
  readonly name: string;
  readonly url: string;
  readonly folders: TrustFolders;
}

/** Rejects with LINK_UNTRUSTED, and how to trust it, unless the server shows a certificate that a person has trusted. */
export async function requireTrust({ folders, name, url }: TrustOptions, der: Uint8Array): Promise<KnownCertificate> {
  const [leaf] = crypto_utils.split_der(Buffer.from(der));
  if (leaf === undefined) throw new GatewayError('LINK_UNTRUSTED', name, 'the server shows no certificate');
  const certificate = readServerCertificate(leaf, name);
  const known = describe(certificate, url);
  const { subject, sha1, sha256, validToMs } = known;
  const told = `certificate of ${url} (${subject}, SHA-1 ${sha1}, SHA-256 ${sha256})`;
  if (validToMs < Date.now()) {
    throw new GatewayError(
      'LINK_UNTRUSTED',
      name,
      `${told} expired on ${new Date(validToMs).toISOString()}; renew it at the server`,
    );
  }
  if (await isTrusted(folders, certificate)) return known;
  const file = await keepRejected(folders, certificate, url);
  const advice =
    file === undefined
      ? `${folders.rejected} is full: delete there what nobody knows`
      : `compare the thumbprint with the one that the server shows, then trust it: ${acceptCommand(folders, sha256)}`;
  throw new GatewayError('LINK_UNTRUSTED', name, `${told} is not trusted yet; ${advice}`);
}

/** To be pasted into a shell of this machine. */
export function acceptCommand({ trusted }: TrustFolders, thumbprint: string): string {
  const state = dirname(dirname(trusted)).replaceAll("'", "'\\''");
  return `fieldmarshal trust accept ${thumbprint} --state '${state}'`;
}

function readServerCertificate(der: Buffer, name: string): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (cause) {
    throw new GatewayError('LINK_UNTRUSTED', name, 'the server shows a certificate that cannot be read', { cause });
  }
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
