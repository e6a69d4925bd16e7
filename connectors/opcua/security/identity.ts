import { createPrivateKey, X509Certificate } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { GatewayError } from '../../../src/model/error.ts';
import { UNNAMED } from '../../../src/model/plan.ts';
import { WARN_BEFORE_MS } from '../../../src/runtime/expiries.ts';
import { readPlainFile, requireFolder, writePlainFile } from './safe-files.ts';
import { describe, type KnownCertificate, type TrustFolders } from './trust.ts';

/** Who the gateway is to OPC UA servers: one certificate and key, made at first start, kept in the state directory. */
export interface Identity {
  readonly applicationUri: string;
  readonly certificate: X509Certificate;
  readonly certificateFile: string;
  readonly privateKeyPem: string;
}

const VALIDITY_DAYS = 3_650;
const URI_PREFIX = 'urn:fieldmarshal:';

export function applicationUri(gatewayId: string): string {
  return `${URI_PREFIX}${gatewayId}`;
}

const making = new Map<string, Promise<readonly [Identity, ...Identity[]]>>();

/**
 * The newest first; behind it the one that it replaced, as long as that is valid, for servers that do not know the new one yet. Read
 * anew at each connect. Two connections that start together get one identity. Who does not know the id of the gateway (`UNNAMED`) takes
 * the certificate that is there, whoever's it is.
 */
export function loadIdentities(folders: TrustFolders, gatewayId: string): Promise<readonly [Identity, ...Identity[]]> {
  const key = `${folders.own}\n${gatewayId}`;
  const running = making.get(key) ?? readOrMake(folders, gatewayId).finally(() => making.delete(key));
  making.set(key, running);
  return running;
}

export async function loadIdentity(folders: TrustFolders, gatewayId: string): Promise<Identity> {
  const [newest] = await loadIdentities(folders, gatewayId);
  return newest;
}

const certificateFile = (folder: string) => join(folder, 'certificate.pem');
const privateKeyFile = (folder: string) => join(folder, 'private-key.pem');
const replacedFolder = ({ own }: TrustFolders) => join(own, 'replaced');

async function readOrMake(folders: TrustFolders, gatewayId: string): Promise<readonly [Identity, ...Identity[]]> {
  const newest = await readPair(folders.own);
  const replaced = await readReplaced(folders);
  const behind = replaced === undefined ? [] : [replaced];
  if (newest === undefined) return [await makeIdentity(folders, gatewayId), ...behind];
  if (isValidPair(newest) && (isOf(newest, gatewayId) || isOfGateway(newest))) {
    const isRenewed = gatewayId !== UNNAMED && isOfGateway(newest) && (expiresSoon(newest) || !isOf(newest, gatewayId));
    if (!isRenewed) return [newest, ...behind];
    // While the old one is still good there is time to trust the new one everywhere.
    await keepReplaced(folders, newest);
    return [await makeIdentity(folders, gatewayId), newest];
  }
  // Expired, or half of a renewal that was cut off.
  if (isOfGateway(newest)) return [await makeIdentity(folders, gatewayId), ...behind];
  if (replaced !== undefined) return [replaced];
  throw notUsable(newest, gatewayId);
}

/** `undefined` where there is none; rejects where there is one that cannot be read, or no key to it: it is never replaced without a word. */
async function readPair(folder: string): Promise<Identity | undefined> {
  const file = certificateFile(folder);
  try {
    const bytes = await readPlainFile(file).catch(absent);
    if (bytes === undefined) return undefined;
    const certificate = new X509Certificate(bytes);
    const privateKeyPem = (await readPlainFile(privateKeyFile(folder))).toString('utf8');
    const uri = describe(certificate, file).applicationUri ?? '';
    return { applicationUri: uri, certificate, certificateFile: file, privateKeyPem };
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    const advice = 'put a pair in place, or delete both files and the gateway makes one';
    throw new GatewayError('LINK_UNTRUSTED', folder, `the certificate of the gateway cannot be read: ${text}; ${advice}`, {
      cause,
    });
  }
}

function absent(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined;
  throw error;
}

/** Of another id, too: of what the gateway was called before, and servers still know. */
async function readReplaced(folders: TrustFolders): Promise<Identity | undefined> {
  const replaced = await readPair(replacedFolder(folders)).catch(() => undefined);
  return replaced !== undefined && isValidPair(replaced) ? replaced : undefined;
}

function isValidPair(identity: Identity): boolean {
  return Date.parse(identity.certificate.validTo) > Date.now() && isPair(identity);
}

function expiresSoon({ certificate }: Identity): boolean {
  return Date.parse(certificate.validTo) <= Date.now() + WARN_BEFORE_MS;
}

/** Servers compare the URI in the certificate with that of the application (Part 6 §6.2.2). */
function isOf(identity: Identity, gatewayId: string): boolean {
  return gatewayId === UNNAMED || identity.applicationUri === applicationUri(gatewayId);
}

function isPair({ certificate, privateKeyPem }: Identity): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(privateKeyPem));
  } catch {
    return false;
  }
}

/** Made here, and not by the plant's own certificate authority, whose certificates are renewed there. */
function isOfGateway({ certificate }: Identity): boolean {
  return certificate.issuer === certificate.subject && certificate.subject.includes('O=Fieldmarshal');
}

function notUsable(identity: Identity, gatewayId: string): GatewayError {
  const { certificateFile: file, certificate } = identity;
  const problem = !isPair(identity)
    ? 'does not belong to private-key.pem beside it'
    : identity.applicationUri === applicationUri(gatewayId)
      ? `expired on ${new Date(Date.parse(certificate.validTo)).toISOString()}`
      : `has the application URI ${identity.applicationUri || '(none)'}, expected ${applicationUri(gatewayId)}`;
  const advice = 'put a pair in place that fits, or delete both files and the gateway makes one';
  return new GatewayError('LINK_UNTRUSTED', file, `the certificate of the gateway ${problem}; ${advice}`);
}

/** A new certificate and key in place of those that the gateway made before; rejects with USAGE where there are none. */
export async function renewIdentity(folders: TrustFolders): Promise<KnownCertificate> {
  const newest = await readPair(folders.own);
  if (newest === undefined) {
    throw new GatewayError('USAGE', folders.own, 'there is no certificate yet: the gateway makes it at its first connect');
  }
  if (!isOfGateway(newest) || !newest.applicationUri.startsWith(URI_PREFIX)) {
    throw new GatewayError(
      'USAGE',
      newest.certificateFile,
      `was not made by the gateway: put its successor and the key there, and what was there in ${replacedFolder(folders)}`,
    );
  }
  await keepReplaced(folders, newest);
  const made = await makeIdentity(folders, newest.applicationUri.slice(URI_PREFIX.length));
  return describe(made.certificate, made.certificateFile);
}

/** What the gateway shows, or would show, to servers. */
export async function listOwn(
  folders: TrustFolders,
): Promise<readonly { readonly known: KnownCertificate; readonly isNewest: boolean }[]> {
  const pairs = await Promise.all(
    [folders.own, replacedFolder(folders)].map((folder) => readPair(folder).catch(() => undefined)),
  );
  return pairs.flatMap((pair, at) =>
    pair === undefined ? [] : [{ known: describe(pair.certificate, pair.certificateFile), isNewest: at === 0 }],
  );
}

/** Before the new one is made: whatever is cut off then leaves one good pair. */
async function keepReplaced(folders: TrustFolders, identity: Identity): Promise<void> {
  const folder = replacedFolder(folders);
  await requireFolder(folder);
  await writePlainFile(privateKeyFile(folder), identity.privateKeyPem, 0o600);
  await writePlainFile(certificateFile(folder), identity.certificate.toString(), 0o644);
}

async function makeIdentity(folders: TrustFolders, gatewayId: string): Promise<Identity> {
  const { certificatePem, privateKeyPem } = await makePair(gatewayId, VALIDITY_DAYS);
  await writePlainFile(privateKeyFile(folders.own), privateKeyPem, 0o600);
  await writePlainFile(certificateFile(folders.own), certificatePem, 0o644);
  return {
    applicationUri: applicationUri(gatewayId),
    certificate: new X509Certificate(certificatePem),
    certificateFile: certificateFile(folders.own),
    privateKeyPem,
  };
}

/** For one look, kept nowhere. */
export async function passingIdentity(gatewayId: string): Promise<Identity> {
  const { certificatePem, privateKeyPem } = await makePair(gatewayId, 1);
  const certificate = new X509Certificate(certificatePem);
  return { applicationUri: applicationUri(gatewayId), certificate, certificateFile: '', privateKeyPem };
}

async function makePair(gatewayId: string, validityDays: number) {
  // Loaded here and not before: `fieldmarshal trust list` does without the library.
  const { crypto_utils } = await import('node-opcua-client');
  const { privateKey } = await crypto_utils.generateKeyPair(2048);
  const { privPem } = await crypto_utils.privateKeyToPEM(privateKey);
  const { cert } = await crypto_utils.createSelfSignedCertificate({
    privateKey,
    purpose: crypto_utils.CertificatePurpose.ForApplication,
    applicationUri: applicationUri(gatewayId),
    subject: `/CN=Fieldmarshal ${gatewayId.replaceAll('/', '-')}/O=Fieldmarshal`,
    dns: [hostname()],
    notBefore: new Date(Date.now() - 3_600_000),
    validity: validityDays,
  });
  return { certificatePem: cert, privateKeyPem: privPem };
}
