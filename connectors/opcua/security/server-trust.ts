import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { dirname } from 'node:path';
import { crypto_utils, type OPCUAClientOptions, StatusCodes } from 'node-opcua-client';
import { GatewayError } from '../../../src/model/error.ts';
import type { Log } from '../../../src/runtime/log.ts';
import type { Identity } from './identity.ts';
import { type Issuer, judge, listIssuers, oneLine } from './issuers.ts';
import { describe, isTrusted, type KnownCertificate, keepRejected, listCertificates, type TrustFolders } from './trust.ts';

export interface TrustOptions {
  readonly name: string;
  readonly url: string;
  readonly folders: TrustFolders;
  readonly log: Log;
  /** What the server calls itself (Part 4, ApplicationDescription). */
  readonly applicationUri?: string | undefined;
}

export interface Trusted {
  readonly server: KnownCertificate;
  /** Whose word for the server is taken; absent where a person trusts its very certificate. */
  readonly authority?: KnownCertificate;
}

/**
 * Rejects with LINK_UNTRUSTED, and how to trust it, unless the server shows a certificate that a person has trusted, or one of an
 * authority that a person has trusted, made for this server.
 */
export async function requireTrust(options: TrustOptions, der: Uint8Array): Promise<Trusted> {
  const { folders, name, url } = options;
  const [certificate, ...others] = readChain(der, name);
  if (certificate === undefined) throw new GatewayError('LINK_UNTRUSTED', name, 'the server shows no certificate');
  const known = describe(certificate, url);
  const { subject, sha1, sha256, validToMs } = known;
  const told = `certificate of ${url} (${subject}, SHA-1 ${sha1}, SHA-256 ${sha256})`;
  const refuse = (why: string) => new GatewayError('LINK_UNTRUSTED', name, `${told} ${why}`);
  if (validToMs < Date.now()) throw refuse(`expired on ${new Date(validToMs).toISOString()}; renew it at the server`);
  const { is, by } = judge(certificate, others, await listIssuers(folders));
  const authority = by && describe(by.certificate, by.file);
  if (is === 'revoked')
    throw refuse(`was revoked by ${authority?.subject} (${by?.revocations?.file}); give the server a new one`);
  if (await isTrusted(folders, certificate)) return { server: known };
  if (is === 'expired' && authority !== undefined) throw refuse(`is of an authority whose own ${expiredText(authority)}`);
  if (is === 'issued' && by !== undefined && authority !== undefined) {
    const fault = otherThanMet(certificate, known, options);
    if (fault !== undefined)
      throw refuse(`is of a trusted authority, but ${fault}; ${await adviseToAccept(options, certificate, sha256)}`);
    warnOfOldList(by, options);
    return { server: known, authority };
  }
  const before = (await listCertificates(folders.trusted)).find(({ seenAt }) => seenAt === url);
  const change = before === undefined ? '' : `, and another one of the same URL is, SHA-256 ${before.sha256}: ${RENEWED}`;
  throw refuse(`is not trusted yet${change}; ${await adviseToAccept(options, certificate, sha256)}`);
}

const RENEWED = 'ask who looks after the server whether it has a new certificate, else somebody else answers there';

function expiredText({ subject, file, validToMs }: KnownCertificate): string {
  return `certificate (${subject}, ${file}) is valid to ${new Date(validToMs).toISOString()}: accept its new one, and compare the clocks`;
}

/** An authority signs many certificates: the one shown must be made for this server (Part 4 §6.1.3, host name and URI). */
function otherThanMet(
  certificate: X509Certificate,
  { applicationUri }: KnownCertificate,
  { url, applicationUri: claimed }: TrustOptions,
): string | undefined {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  if (claimed === undefined || applicationUri !== claimed) {
    return `made for the application ${applicationUri ?? '(none)'}, and the server calls itself ${claimed ?? '(nothing)'}`;
  }
  const validFromMs = Date.parse(certificate.validFrom);
  if (validFromMs > Date.now()) return `not valid before ${new Date(validFromMs).toISOString()}: compare the clocks`;
  const isFor = isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host);
  return isFor === undefined ? `not made for the host ${host} (${certificate.subjectAltName ?? 'no host named'})` : undefined;
}

function warnOfOldList({ certificate, revocations }: Issuer, { log, name }: TrustOptions): void {
  const fields = { link: name, issuer: oneLine(certificate.subject) };
  if (revocations === undefined) log.warn('authority without a revocation list', fields);
  else if (revocations.nextMs !== undefined && revocations.nextMs < Date.now())
    log.warn('revocation list is old', { ...fields, file: revocations.file, due: new Date(revocations.nextMs).toISOString() });
}

async function adviseToAccept({ folders, url }: TrustOptions, certificate: X509Certificate, sha256: string): Promise<string> {
  const file = await keepRejected(folders, certificate, url);
  if (file === undefined) return `${folders.rejected} is full: delete there what nobody knows`;
  return `compare the thumbprint with the one that the server shows, then trust it: ${acceptCommand(folders, sha256)}`;
}

/** To be pasted into a shell of this machine. */
export function acceptCommand({ trusted }: TrustFolders, thumbprint: string): string {
  const state = dirname(dirname(trusted)).replaceAll("'", "'\\''");
  return `fieldmarshal trust accept ${thumbprint} --state '${state}'`;
}

function readChain(der: Uint8Array, name: string): readonly X509Certificate[] {
  try {
    return crypto_utils.split_der(Buffer.from(der)).map((one) => new X509Certificate(one));
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
    const [leaf, ...others] = [given].flat().flatMap((der) => readChain(der, ''));
    if (leaf === undefined) return false;
    if (leaf.raw.equals(identity.certificate.raw)) return true;
    const { is } = judge(leaf, others, await listIssuers(folders));
    return is !== 'revoked' && (is === 'issued' || (await isTrusted(folders, leaf)));
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
