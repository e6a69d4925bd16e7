import { X509Certificate } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { crypto_utils } from 'node-opcua-client';
import type { TrustFolders } from './trust.ts';

/** Who the gateway is to OPC UA servers: one certificate and key, made at first start, kept in the state directory. */
export interface Identity {
  readonly applicationUri: string;
  readonly certificate: X509Certificate;
  readonly certificateFile: string;
  readonly privateKeyPem: string;
}

const VALIDITY_DAYS = 3_650;

export function applicationUri(gatewayId: string): string {
  return `urn:fieldmarshal:${gatewayId}`;
}

const making = new Map<string, Promise<Identity>>();

/** Two connections that start together get one identity. */
export function loadIdentity(folders: TrustFolders, gatewayId: string): Promise<Identity> {
  const key = `${folders.own}\n${gatewayId}`;
  const running = making.get(key) ?? readOrMake(folders, gatewayId).finally(() => making.delete(key));
  making.set(key, running);
  return running;
}

async function readOrMake(folders: TrustFolders, gatewayId: string): Promise<Identity> {
  return (await readIdentity(folders, gatewayId)) ?? (await makeIdentity(folders, gatewayId));
}

const certificateFile = (folders: TrustFolders) => join(folders.own, 'certificate.pem');
const privateKeyFile = (folders: TrustFolders) => join(folders.own, 'private-key.pem');

/** `undefined` where there is none yet, or one of another gateway id: servers compare the URI in the certificate (Part 6 §6.2.2). */
async function readIdentity(folders: TrustFolders, gatewayId: string): Promise<Identity | undefined> {
  try {
    const certificate = new X509Certificate(await readFile(certificateFile(folders)));
    const privateKeyPem = await readFile(privateKeyFile(folders), 'utf8');
    const uri = applicationUri(gatewayId);
    if (certificate.subjectAltName?.includes(uri) !== true || Date.parse(certificate.validTo) < Date.now()) return undefined;
    return { applicationUri: uri, certificate, certificateFile: certificateFile(folders), privateKeyPem };
  } catch {
    return undefined;
  }
}

async function makeIdentity(folders: TrustFolders, gatewayId: string): Promise<Identity> {
  const { privateKey } = await crypto_utils.generateKeyPair(2048);
  const { privPem } = await crypto_utils.privateKeyToPEM(privateKey);
  const uri = applicationUri(gatewayId);
  const { cert } = await crypto_utils.createSelfSignedCertificate({
    privateKey,
    purpose: crypto_utils.CertificatePurpose.ForApplication,
    applicationUri: uri,
    subject: `/CN=Fieldmarshal ${gatewayId.replaceAll('/', '-')}/O=Fieldmarshal`,
    dns: [hostname()],
    notBefore: new Date(Date.now() - 3_600_000),
    validity: VALIDITY_DAYS,
  });
  await writeAtomically(privateKeyFile(folders), privPem, 0o600);
  await writeAtomically(certificateFile(folders), cert, 0o644);
  return {
    applicationUri: uri,
    certificate: new X509Certificate(cert),
    certificateFile: certificateFile(folders),
    privateKeyPem: privPem,
  };
}

async function writeAtomically(file: string, text: string, mode: number): Promise<void> {
  await writeFile(`${file}.new`, text, { mode });
  await rename(`${file}.new`, file);
}
