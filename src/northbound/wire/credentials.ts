import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { ExpiringCertificate } from '../../runtime/expiries.ts';
import type { WireSettings } from '../dialect.ts';

type Credentials = Pick<WireSettings, 'caFile' | 'certificateFile' | 'privateKey' | 'password'>;

/** What a connection is made with, as it lies in files now: two texts differ when something was renewed. Tells no secret. */
export async function stampOf({ caFile, certificateFile, privateKey, password }: Credentials): Promise<string> {
  const files = await Promise.all([caFile, certificateFile].map(read));
  const hash = createHash('sha256');
  for (const part of [...files, privateKey?.revealBytes(), password?.revealBytes()]) {
    hash.update(`${part?.length ?? -1} `);
    hash.update(part ?? '');
  }
  return hash.digest('hex');
}

/** Whether files are there, and certificate and key belong together and can be used now; while both are replaced one comes first. */
export async function areWhole({ caFile, certificateFile, privateKey }: Credentials, nowMs: number): Promise<boolean> {
  if (caFile !== undefined && parse(await read(caFile)) === undefined) return false;
  if (certificateFile === undefined || privateKey === undefined) return true;
  const certificate = parse(await read(certificateFile));
  if (certificate === undefined || certificate.validFromDate.getTime() > nowMs) return false;
  try {
    return certificate.checkPrivateKey(createPrivateKey(privateKey.reveal()));
  } catch {
    return false;
  }
}

/** The gateway's own certificate, where there is one that can be read. */
export async function ownCertificate({ certificateFile }: Credentials): Promise<ExpiringCertificate | undefined> {
  const certificate = parse(await read(certificateFile));
  return certificate === undefined || certificateFile === undefined ? undefined : expiring(certificate, certificateFile);
}

export function expiring(certificate: X509Certificate, file: string): ExpiringCertificate {
  return {
    file,
    subject: certificate.subject?.replaceAll('\n', ', ') ?? '',
    sha256: certificate.fingerprint256,
    validToMs: certificate.validToDate.getTime(),
  };
}

/** The first of a file; those behind it are its authorities. */
function parse(pem: Buffer | undefined): X509Certificate | undefined {
  try {
    return pem === undefined ? undefined : new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

async function read(file: string | undefined): Promise<Buffer | undefined> {
  return file === undefined ? undefined : await readFile(file).catch(() => undefined);
}
