import { readdir } from 'node:fs/promises';
import { GatewayError } from '../../src/model/error.ts';
import type { PeerCertificate, TrustTool } from '../../src/southbound/trust-tool.ts';
import { textOf } from './errors.ts';
import { listOwn, renewIdentity } from './identity.ts';
import {
  acceptCertificate,
  acceptFile,
  type KnownCertificate,
  listCertificates,
  listSkipped,
  makeFolders,
  rejectCertificate,
  type TrustFolders,
  trustFolders,
  unknownThumbprint,
} from './trust.ts';

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
        ...(await of(folders.rejected, 'rejected')),
      ],
      skipped: await listSkipped(folders),
    };
  },
  accept: async (stateDirectory, what) => {
    const folders = await reachable(stateDirectory);
    await makeFolders(folders);
    const accepted = THUMBPRINT.test(what) ? await acceptCertificate(folders, what) : await acceptGivenFile(folders, what);
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

async function acceptGivenFile(folders: TrustFolders, file: string): Promise<KnownCertificate> {
  try {
    return await acceptFile(folders, file);
  } catch (cause) {
    throw new GatewayError('USAGE', file, `is neither a thumbprint nor a file with a certificate: ${textOf(cause)}`, { cause });
  }
}

function toPeer({ validToMs, ...known }: KnownCertificate, standing: PeerCertificate['standing']): PeerCertificate {
  return { standing, ...known, validTo: new Date(validToMs).toISOString() };
}
