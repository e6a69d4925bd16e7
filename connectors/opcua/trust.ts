import { createHash, X509Certificate } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Which servers the gateway trusts: the files in `<stateDirectory>/opcua-pki/trusted`, PEM or DER, one certificate each, whatever
 * their names. A server presents exactly that certificate or is refused; the refused one is left in `rejected`.
 */
export interface TrustFolders {
  readonly own: string;
  readonly trusted: string;
  readonly rejected: string;
}

export interface KnownCertificate {
  readonly file: string;
  readonly subject: string;
  /** Hexadecimal, upper case, without colons. */
  readonly sha1: string;
  readonly sha256: string;
  readonly validToMs: number;
}

/** Refused certificates kept; an endless row of them must not fill the disk. */
const MAX_REJECTED = 100;

export function trustFolders(stateDirectory: string): TrustFolders {
  const root = join(stateDirectory, 'opcua-pki');
  return { own: join(root, 'own'), trusted: join(root, 'trusted'), rejected: join(root, 'rejected') };
}

export async function makeFolders(folders: TrustFolders): Promise<void> {
  for (const folder of Object.values(folders)) await mkdir(folder, { recursive: true, mode: 0o700 });
}

/** Files that hold no certificate are left out. */
export async function listCertificates(folder: string): Promise<readonly KnownCertificate[]> {
  const names = await readdir(folder).catch(() => [] as string[]);
  const found = await Promise.all(names.toSorted().map((name) => readCertificate(join(folder, name))));
  return found.filter((certificate) => certificate !== undefined);
}

async function readCertificate(file: string): Promise<KnownCertificate | undefined> {
  try {
    return describe(new X509Certificate(await readFile(file)), file);
  } catch {
    return undefined;
  }
}

/** Of a PEM or DER certificate; throws where it is none. */
export function describe(certificate: X509Certificate, file: string): KnownCertificate {
  const thumbprint = (algorithm: string) => createHash(algorithm).update(certificate.raw).digest('hex').toUpperCase();
  return {
    file,
    subject: certificate.subject.replaceAll('\n', ', '),
    sha1: thumbprint('sha1'),
    sha256: thumbprint('sha256'),
    validToMs: Date.parse(certificate.validTo),
  };
}

export async function isTrusted(folders: TrustFolders, certificate: X509Certificate): Promise<boolean> {
  const { sha256 } = describe(certificate, '');
  return (await listCertificates(folders.trusted)).some((known) => known.sha256 === sha256);
}

/** Leaves the certificate in `rejected` under its thumbprint and gives its path; `undefined` when the folder is full. */
export async function keepRejected(folders: TrustFolders, certificate: X509Certificate): Promise<string | undefined> {
  const file = join(folders.rejected, `${describe(certificate, '').sha1}.pem`);
  const names = await readdir(folders.rejected);
  if (names.length >= MAX_REJECTED && !names.includes(`${describe(certificate, '').sha1}.pem`)) return undefined;
  await writeFile(file, certificate.toString(), { mode: 0o640 });
  return file;
}

/** Trusts the rejected certificate whose SHA-1 or SHA-256 thumbprint begins with `thumbprint`; `undefined` unless exactly one does. */
export function acceptCertificate(folders: TrustFolders, thumbprint: string): Promise<KnownCertificate | undefined> {
  return moveCertificate(folders.rejected, folders.trusted, thumbprint);
}

/** Takes the trust away again; from the next connect on. */
export function rejectCertificate(folders: TrustFolders, thumbprint: string): Promise<KnownCertificate | undefined> {
  return moveCertificate(folders.trusted, folders.rejected, thumbprint);
}

async function moveCertificate(from: string, to: string, thumbprint: string): Promise<KnownCertificate | undefined> {
  const wanted = thumbprint.replace(/[:\s]/g, '').toUpperCase();
  const known = await listCertificates(from);
  const matching = known.filter(({ sha1, sha256 }) => wanted !== '' && (sha1.startsWith(wanted) || sha256.startsWith(wanted)));
  const [only] = matching;
  if (only === undefined || matching.length > 1) return undefined;
  const file = join(to, `${only.sha1}.pem`);
  await rename(only.file, file);
  return { ...only, file };
}
