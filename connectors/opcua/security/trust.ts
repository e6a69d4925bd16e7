import { createHash, X509Certificate } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { GatewayError } from '../../../src/model/error.ts';
import { listFolder, readPlainFile, requireFolder, writePlainFile } from './safe-files.ts';

/**
 * Which servers the gateway trusts: the files in `<stateDirectory>/opcua-pki/trusted`, PEM or DER, one certificate each, whatever
 * their names. A server presents exactly that certificate, or one that an authority in `issuers` has signed (`issuers.ts`), or is
 * refused; the refused one is left in `rejected`.
 */
export interface TrustFolders {
  readonly own: string;
  readonly trusted: string;
  readonly issuers: string;
  readonly rejected: string;
}

export interface KnownCertificate {
  readonly file: string;
  readonly subject: string;
  /** Hexadecimal, upper case, without colons. */
  readonly sha1: string;
  readonly sha256: string;
  readonly validToMs: number;
  /** Who it belongs to, as servers and clients of OPC UA name themselves (Part 6 §6.2.2). */
  readonly applicationUri?: string;
  /** The URL where the gateway met it. */
  readonly seenAt?: string;
}

/** Refused certificates kept; an endless row of them must not fill the disk. */
const MAX_REJECTED = 100;
/** Fewer digits could be met by chance, or by somebody who tries long enough. */
const MIN_THUMBPRINT_DIGITS = 8;
/** Before the certificate in its file, where PEM leaves room for words. */
const SEEN_AT = 'Seen at: ';

function rootOf(stateDirectory: string): string {
  return join(stateDirectory, 'opcua-pki');
}

export function trustFolders(stateDirectory: string): TrustFolders {
  const root = rootOf(stateDirectory);
  const folder = (name: string) => join(root, name);
  return { own: folder('own'), trusted: folder('trusted'), issuers: folder('issuers'), rejected: folder('rejected') };
}

export async function makeFolders(folders: TrustFolders): Promise<void> {
  await requireFolder(join(folders.own, '..'));
  for (const folder of Object.values(folders)) await requireFolder(folder);
}

/** Files that hold no certificate are left out. */
export async function listCertificates(folder: string): Promise<readonly KnownCertificate[]> {
  const { files } = await listFolder(folder);
  const found = await Promise.all(files.map((file) => readCertificate(file).catch(() => undefined)));
  return found.filter((certificate) => certificate !== undefined);
}

/** Of a PEM or DER file; rejects where it is none. */
export async function readCertificate(file: string): Promise<KnownCertificate> {
  const bytes = await readPlainFile(file);
  const seenAt = bytes
    .toString('latin1')
    .split('-----BEGIN')[0]
    ?.split('\n')
    .find((line) => line.startsWith(SEEN_AT));
  const known = describe(new X509Certificate(bytes), file);
  return seenAt === undefined ? known : { ...known, seenAt: seenAt.slice(SEEN_AT.length).trim() };
}

export function describe(certificate: X509Certificate, file: string): KnownCertificate {
  const thumbprint = (algorithm: string) => createHash(algorithm).update(certificate.raw).digest('hex').toUpperCase();
  const applicationUri = /(?:^|, )URI:("?)(.*?)\1(?:, |$)/.exec(certificate.subjectAltName ?? '')?.[2];
  return {
    file,
    subject: certificate.subject.replaceAll('\n', ', '),
    sha1: thumbprint('sha1'),
    sha256: thumbprint('sha256'),
    validToMs: Date.parse(certificate.validTo),
    ...(applicationUri === undefined ? {} : { applicationUri }),
  };
}

export async function isTrusted(folders: TrustFolders, certificate: X509Certificate): Promise<boolean> {
  const { sha256 } = describe(certificate, '');
  return (await listCertificates(folders.trusted)).some((known) => known.sha256 === sha256);
}

/** Leaves the certificate in `rejected` under its thumbprint and gives its path; `undefined` when the folder is full. */
export async function keepRejected(
  folders: TrustFolders,
  certificate: X509Certificate,
  seenAt: string,
): Promise<string | undefined> {
  const { sha1 } = describe(certificate, '');
  const file = join(folders.rejected, `${sha1}.pem`);
  const known = await readCertificate(file).catch(() => undefined);
  if (known?.sha1 === sha1 && known.seenAt === seenAt) return file;
  const { files } = await listFolder(folders.rejected);
  if (files.length >= MAX_REJECTED && !files.includes(file)) return undefined;
  await writePlainFile(file, pemText(certificate, seenAt), 0o644);
  return file;
}

function pemText(certificate: X509Certificate, seenAt: string | undefined): string {
  return `${seenAt === undefined ? '' : `${SEEN_AT}${seenAt.replaceAll(/[\r\n]/g, ' ')}\n`}${certificate.toString()}`;
}

/** Trusts the rejected certificate whose SHA-1 or SHA-256 thumbprint begins with `thumbprint`; `undefined` unless exactly one does. */
export function acceptCertificate(folders: TrustFolders, thumbprint: string): Promise<KnownCertificate | undefined> {
  return moveCertificate(folders.rejected, folders.trusted, thumbprint);
}

/** Takes the trust in a server or an authority away again; from the next connect on. */
export async function rejectCertificate(folders: TrustFolders, thumbprint: string): Promise<KnownCertificate | undefined> {
  const rejected = await moveCertificate(folders.trusted, folders.rejected, thumbprint);
  return rejected ?? moveCertificate(folders.issuers, folders.rejected, thumbprint);
}

/** Trusts the certificate in a file that came another way, that of an authority with all that it signs; the file stays where it is. */
export async function acceptFile(folders: TrustFolders, file: string): Promise<KnownCertificate> {
  const bytes = await readPlainFile(file);
  const certificate = new X509Certificate(bytes);
  const folder = certificate.ca ? folders.issuers : folders.trusted;
  const known = describe(certificate, join(folder, `${describe(certificate, '').sha1}.pem`));
  await makeFolders(folders);
  await writePlainFile(known.file, pemText(certificate, undefined), 0o644);
  return known;
}

/** Copies before it removes, so that no crash loses it; files of that certificate under other names go, too. */
async function moveCertificate(from: string, to: string, thumbprint: string): Promise<KnownCertificate | undefined> {
  const wanted = thumbprint.replace(/[:\s]/g, '').toUpperCase();
  if (wanted.length < MIN_THUMBPRINT_DIGITS) return undefined;
  const known = await listCertificates(from);
  const matching = known.filter(({ sha1, sha256 }) => sha1.startsWith(wanted) || sha256.startsWith(wanted));
  const [first] = matching;
  if (first === undefined || matching.some(({ sha256 }) => sha256 !== first.sha256)) return undefined;
  await requireFolder(to);
  const file = join(to, `${first.sha1}.pem`);
  await writePlainFile(file, pemText(new X509Certificate(await readPlainFile(first.file)), first.seenAt), 0o644);
  for (const moved of matching) await rm(moved.file);
  return { ...first, file };
}

/** Of the folders of the trust list alone: what is no plain file there. */
export async function listSkipped(folders: TrustFolders): Promise<readonly string[]> {
  const contents = await Promise.all(Object.values(folders).map(listFolder));
  return contents.flatMap(({ skipped }) => skipped);
}

/** A person gave a thumbprint that names no certificate, or more than one. */
export function unknownThumbprint(folder: string, thumbprint: string): GatewayError {
  const digits = `at least ${MIN_THUMBPRINT_DIGITS} digits of its SHA-1 or SHA-256 thumbprint`;
  return new GatewayError('USAGE', thumbprint, `names no certificate of ${folder}, or several; give ${digits}`);
}
