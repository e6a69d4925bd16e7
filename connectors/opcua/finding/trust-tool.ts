import { X509Certificate } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { GatewayError } from '../../../src/model/error.ts';
import type { PeerCertificate, TrustTool } from '../../../src/southbound/trust-tool.ts';
import { textOf } from '../protocol/errors.ts';
import { listOwn, renewIdentity } from '../security/identity.ts';
import { acceptList, type Issuer, isRevocationList, listIssuers, MAX_LIST_BYTES } from '../security/issuers.ts';
import { readPlainFile } from '../security/safe-files.ts';
import {
  acceptCertificate,
  acceptFile,
  describe,
  type KnownCertificate,
  listCertificates,
  listSkipped,
  makeFolders,
  rejectCertificate,
  type TrustFolders,
  trustFolders,
  unknownThumbprint,
} from '../security/trust.ts';

const THUMBPRINT = /^[0-9a-f:\s]+$/i;

/** What `fieldmarshal trust` does with the state directory of a gateway, running or not. */
export const trustTool: TrustTool = {
  list: async (stateDirectory) => {
    const folders = await reachable(stateDirectory);
    const of = async (folder: string, standing: PeerCertificate['standing']) =>
      (await listCertificates(folder)).map((known) => toPeer(known, standing));
    return {
      certificates: [
        ...(await listOwn(folders)).map(({ known, isNewest }) => toPeer(known, isNewest ? 'own' : 'own, replaced')),
        ...(await of(folders.trusted, 'trusted')),
        ...(await listIssuers(folders)).map(toAuthority),
        ...(await of(folders.rejected, 'rejected')),
      ],
      skipped: await listSkipped(folders),
    };
  },
  accept: async (stateDirectory, what) => {
    const folders = await reachable(stateDirectory);
    await makeFolders(folders);
    if (!THUMBPRINT.test(what)) return acceptGivenFile(folders, what);
    const accepted = await acceptCertificate(folders, what);
    if (accepted === undefined) throw unknownThumbprint(folders.rejected, what);
    return toPeer(accepted, 'trusted');
  },
  reject: async (stateDirectory, thumbprint) => {
    const folders = await reachable(stateDirectory);
    const rejected = await rejectCertificate(folders, thumbprint);
    if (rejected === undefined) throw unknownThumbprint(folders.trusted, thumbprint);
    return toPeer(rejected, 'rejected');
  },
  renew: async (stateDirectory) => toPeer(await renewIdentity(await reachable(stateDirectory)), 'own'),
};

/** A folder that may not be looked into is not an empty one. */
async function reachable(stateDirectory: string): Promise<TrustFolders> {
  const folders = trustFolders(stateDirectory);
  const { own } = folders;
  await readdir(own).catch((cause: unknown) => {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return;
    throw new GatewayError(
      'USAGE',
      own,
      `cannot be looked into: ${textOf(cause)}; run this as root or as the user of the service`,
    );
  });
  return folders;
}

async function acceptGivenFile(folders: TrustFolders, file: string): Promise<PeerCertificate> {
  const kind = await kindOf(await readGiven(file));
  try {
    if (kind === 'revocation list') return toAuthority(await acceptList(folders, file));
    if (kind !== 'certificate') throw new Error(`${kind}: a certificate or a revocation list is wanted, in PEM or DER`);
    const certificate = await acceptFile(folders, file);
    const authority = (await listIssuers(folders)).find((issuer) => issuer.file === certificate.file);
    return authority === undefined ? toPeer(certificate, 'trusted') : toAuthority(authority);
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    throw new GatewayError('USAGE', file, textOf(cause), { cause });
  }
}

async function readGiven(file: string): Promise<Buffer> {
  return await readPlainFile(file, MAX_LIST_BYTES).catch((cause: unknown) => {
    const isAbsent = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    throw new GatewayError('USAGE', file, isAbsent ? 'is no thumbprint, and there is no such file' : textOf(cause), { cause });
  });
}

/** By its labels in PEM (RFC 7468), else by its bytes; in words where it is of no use here. */
async function kindOf(bytes: Buffer): Promise<'certificate' | 'revocation list' | string> {
  const labels = [...bytes.toString('latin1').matchAll(/-----BEGIN ([A-Z0-9 ]+)-----/g)].map(([, label = '']) => label);
  if (labels.some((label) => label.endsWith('CERTIFICATE'))) return 'certificate';
  if (labels.some((label) => label.endsWith('CRL'))) return 'revocation list';
  if (labels.length > 0) return `this file holds a ${labels[0]?.toLowerCase()}`;
  if (isCertificate(bytes)) return 'certificate';
  return (await isRevocationList(bytes)) ? 'revocation list' : 'this file holds something else';
}

function isCertificate(bytes: Buffer): boolean {
  try {
    return new X509Certificate(bytes).serialNumber !== '';
  } catch {
    return false;
  }
}

function toAuthority({ certificate, file, revocations }: Issuer): PeerCertificate {
  const peer = toPeer(describe(certificate, file), 'authority');
  if (revocations === undefined) return peer;
  const { nextMs, serials, file: list } = revocations;
  const next = nextMs === undefined ? {} : { nextUpdate: new Date(nextMs).toISOString() };
  return { ...peer, revocations: { file: list, revoked: serials.size, ...next } };
}

function toPeer({ validToMs, ...known }: KnownCertificate, standing: PeerCertificate['standing']): PeerCertificate {
  return { standing, ...known, validTo: new Date(validToMs).toISOString() };
}
