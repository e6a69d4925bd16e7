import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { listFolder, readPlainFile, writePlainFile } from './safe-files.ts';
import type { TrustFolders } from './trust.ts';

/** An authority whose servers are trusted, with its newest revocation list. */
export interface Issuer {
  readonly certificate: X509Certificate;
  readonly file: string;
  readonly revocations?: Revocations;
}

export interface Revocations {
  readonly file: string;
  readonly madeMs: number;
  /** When there should be a newer one; `undefined`: the list does not say. */
  readonly nextMs: number | undefined;
  /** Serial numbers, hexadecimal, upper case, without leading zeros. */
  readonly serials: ReadonlySet<string>;
}

/** What the authorities of the trust list say about a certificate (OPC UA Part 4 §6.1.3). */
export interface Verdict {
  /** `expired`: the authority would vouch for it, but its own certificate is not valid (any more). */
  readonly is: 'issued' | 'revoked' | 'expired' | 'unknown';
  /** Absent where no authority of the list knows it. */
  readonly by?: Issuer;
}

/** Longer chains are no chains of a plant. */
const MAX_CHAIN = 6;
/** A revocation list of some hundred thousand certificates. */
export const MAX_LIST_BYTES = 4 << 20;
const LIST_SUFFIX = '.crl';
/** RFC 7468 §6 says `X509 CRL`; some tools leave `X509` out. */
const PEM_LIST = /-----BEGIN (?:X509 )?CRL-----([\s\S]*?)-----END (?:X509 )?CRL-----/;

/** Files that hold no certificate of an authority are left out. */
export async function listIssuers({ issuers }: TrustFolders): Promise<readonly Issuer[]> {
  const { files } = await listFolder(issuers);
  const lists = files.filter((file) => file.endsWith(LIST_SUFFIX));
  const read = async (file: string): Promise<Issuer | undefined> => {
    const certificate = new X509Certificate(await readPlainFile(file));
    if (!certificate.ca) return undefined;
    const revocations = await newestList(certificate, lists);
    return { certificate, file, ...(revocations === undefined ? {} : { revocations }) };
  };
  const found = await Promise.all(files.filter((file) => !lists.includes(file)).map((file) => read(file).catch(() => undefined)));
  return found.filter((issuer) => issuer !== undefined);
}

/**
 * Follows the signatures from the certificate up to an authority of the list; `others` are those that the server sent along. Above
 * that one it goes on as far as it knows the way: an authority may have been revoked by the one that signed it.
 */
export function judge(
  certificate: X509Certificate,
  others: readonly X509Certificate[],
  issuers: readonly Issuer[],
  nowMs = Date.now(),
): Verdict {
  let current = certificate;
  let found: Issuer | undefined;
  for (let length = 0; length < MAX_CHAIN; length += 1) {
    const issuer = issuerOf(current, issuers, nowMs);
    if (issuer?.revocations?.serials.has(bare(current.serialNumber)) === true) return { is: 'revoked', by: issuer };
    found ??= issuer;
    const isSigner = (other: X509Certificate) => isIssuedBy(current, other) && isValid(other, nowMs);
    const next = issuer?.certificate ?? (found === undefined ? others.find(isSigner) : undefined);
    if (next === undefined || next.raw.equals(current.raw)) break;
    current = next;
  }
  if (found === undefined) return { is: 'unknown' };
  return { is: isValid(found.certificate, nowMs) ? 'issued' : 'expired', by: found };
}

/** One that is valid, where an authority has renewed its certificate and kept its key. */
function issuerOf(certificate: X509Certificate, issuers: readonly Issuer[], nowMs: number): Issuer | undefined {
  const all = issuers.filter((known) => isIssuedBy(certificate, known.certificate));
  return all.find((known) => isValid(known.certificate, nowMs)) ?? all[0];
}

/** Keeps the revocation list in a file, PEM or DER; rejects unless an authority of the trust list has signed it, and none newer is there. */
export async function acceptList(folders: TrustFolders, file: string): Promise<Issuer> {
  const der = toDer(await readPlainFile(file, MAX_LIST_BYTES));
  const known = await listIssuers(folders);
  for (const issuer of known) {
    const revocations = await readList(der, issuer.certificate, file).catch(() => undefined);
    if (revocations === undefined) continue;
    if ((issuer.revocations?.madeMs ?? 0) > revocations.madeMs)
      throw new Error(`a newer revocation list of ${oneLine(issuer.certificate.subject)} is there already`);
    const kept = join(folders.issuers, `${issuer.certificate.fingerprint.replaceAll(':', '')}${LIST_SUFFIX}`);
    const base64 = der.toString('base64').replaceAll(/(.{64})/g, '$1\n');
    await writePlainFile(kept, `-----BEGIN X509 CRL-----\n${base64.trimEnd()}\n-----END X509 CRL-----\n`, 0o644);
    return { ...issuer, revocations: { ...revocations, file: kept } };
  }
  throw new Error('no authority of the trust list has signed it: accept the certificate of the authority first');
}

/** Whether the bytes are a list at all, in DER, whoever has signed it. */
export async function isRevocationList(der: Buffer): Promise<boolean> {
  const { crypto_utils } = await import('node-opcua-client');
  try {
    return crypto_utils.exploreCertificateRevocationList(der).tbsCertList.thisUpdate instanceof Date;
  } catch {
    return false;
  }
}

async function newestList(issuer: X509Certificate, files: readonly string[]): Promise<Revocations | undefined> {
  const read = async (file: string) => readList(toDer(await readPlainFile(file, MAX_LIST_BYTES)), issuer, file);
  const found = await Promise.all(files.map((file) => read(file).catch(() => undefined)));
  return found.filter((list) => list !== undefined).toSorted((a, b) => b.madeMs - a.madeMs)[0];
}

/** `undefined` unless that authority has signed it. */
async function readList(der: Buffer, issuer: X509Certificate, file: string): Promise<Revocations | undefined> {
  // Loaded here and not before: a trust list without revocation lists does without the library.
  const { crypto_utils } = await import('node-opcua-client');
  if (!crypto_utils.verifyCrlIssuedByCertificate(der, issuer.raw)) return undefined;
  const { thisUpdate, nextUpdate, revokedCertificates } = crypto_utils.exploreCertificateRevocationList(der).tbsCertList;
  const serials = new Set(revokedCertificates.map(({ userCertificate }) => bare(userCertificate)));
  return { file, madeMs: thisUpdate.getTime(), nextMs: nextUpdate?.getTime(), serials };
}

function toDer(bytes: Buffer): Buffer {
  const base64 = PEM_LIST.exec(bytes.toString('latin1'))?.[1];
  return base64 === undefined ? bytes : Buffer.from(base64, 'base64');
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function isValid({ validFrom, validTo }: X509Certificate, nowMs: number): boolean {
  return Date.parse(validFrom) <= nowMs && nowMs <= Date.parse(validTo);
}

function bare(serial: string): string {
  return serial
    .replaceAll(/[^0-9a-f]/gi, '')
    .replace(/^0+/, '')
    .toUpperCase();
}

export function oneLine(name: string): string {
  return name.replaceAll('\n', ', ');
}
