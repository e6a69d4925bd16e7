// First: @peculiar/x509 does not load without it.
import 'reflect-metadata';
import { KeyObject, X509Certificate as NodeCertificate, randomBytes, type webcrypto } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BasicConstraintsExtension,
  type JsonGeneralNames,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
  X509CrlGenerator,
} from '@peculiar/x509';

/** A certificate with its key, as PEM files. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface TestAuthority {
  /** The CA certificate, PEM. */
  readonly ca: string;
  readonly directory: string;
  issue(name: string, options?: IssueOptions): Promise<CertificateFiles>;
  /** The certificate, PEM, for a signing request, PEM. Rejects where its signature is wrong. */
  certify(request: string): Promise<string>;
  /** An authority whose certificate this one has signed. */
  subordinate(commonName: string): Promise<TestAuthority>;
  /** Another certificate of the same name and key, valid for years. */
  renew(): Promise<string>;
  /** A revocation list, PEM file, of these certificate files. */
  revoke(certificates: readonly string[], options?: { readonly nextUpdate?: Date }): Promise<string>;
  /** Deletes every file. */
  remove(): Promise<void>;
}

export interface IssueOptions {
  /** Default: `localhost` and 127.0.0.1. */
  readonly subjectAltNames?: JsonGeneralNames;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

const DAY_MS = 86_400_000;
const LOOPBACK: JsonGeneralNames = [
  { type: 'dns', value: 'localhost' },
  { type: 'ip', value: '127.0.0.1' },
];
const ALGORITHMS = {
  /** Such keys are quick to make. */
  elliptic: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  /** As OPC UA wants it. */
  rsa: { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2_048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
};
type KeyType = keyof typeof ALGORITHMS;

/** A certificate authority with its files in a temporary directory. */
export async function createAuthority(
  commonName = 'Test CA',
  keyType: KeyType = 'elliptic',
  notAfter?: Date,
): Promise<TestAuthority> {
  const keys = await createKeys(keyType);
  return authorityOf(commonName, keyType, keys, { issuer: `CN=${commonName}`, signingKey: keys.privateKey }, notAfter);
}

interface Signer {
  readonly issuer: string;
  readonly signingKey: webcrypto.CryptoKey;
}

async function authorityOf(
  commonName: string,
  keyType: KeyType,
  keys: webcrypto.CryptoKeyPair,
  signer: Signer,
  notAfter?: Date,
): Promise<TestAuthority> {
  const issuer = `CN=${commonName}`;
  const signingAlgorithm = ALGORITHMS[keyType];
  const makeOwn = (until = new Date(Date.now() + 3_650 * DAY_MS)) =>
    X509CertificateGenerator.create({
      ...{ serialNumber: createSerialNumber(), subject: issuer, publicKey: keys.publicKey, signingAlgorithm, ...signer },
      notBefore: new Date(Date.now() - DAY_MS),
      notAfter: until,
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      ],
    });
  const ca = await makeOwn(notAfter);
  const directory = await mkdtemp(join(tmpdir(), 'test-ca-'));
  const caFile = join(directory, 'ca.crt');
  await writeFile(caFile, pemOf(ca));
  const create = (subject: string, publicKey: webcrypto.CryptoKey, options: IssueOptions = {}) =>
    X509CertificateGenerator.create({
      serialNumber: createSerialNumber(),
      subject,
      issuer,
      publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm,
      notBefore: options.notBefore ?? new Date(Date.now() - DAY_MS),
      notAfter: options.notAfter ?? new Date(Date.now() + 365 * DAY_MS),
      extensions: [new SubjectAlternativeNameExtension(options.subjectAltNames ?? LOOPBACK)],
    });
  return {
    ca: caFile,
    directory,
    async issue(name, options = {}) {
      const { publicKey, privateKey } = await createKeys(keyType);
      const certificate = await create(`CN=${name}`, publicKey, options);
      const files = { certificate: join(directory, `${name}.crt`), privateKey: join(directory, `${name}.key`) };
      await writeFile(files.certificate, pemOf(certificate));
      await writeFile(files.privateKey, KeyObject.from(privateKey).export({ type: 'pkcs8', format: 'pem' }));
      return files;
    },
    async certify(pem) {
      const request = new Pkcs10CertificateRequest(pem);
      if (!(await request.verify())) throw new Error('the signing request is not signed by its key');
      return pemOf(await create(request.subject, await request.publicKey.export()));
    },
    async renew() {
      const file = join(directory, 'renewed-ca.crt');
      await writeFile(file, pemOf(await makeOwn()));
      return file;
    },
    subordinate: async (name) => authorityOf(name, keyType, await createKeys(keyType), { issuer, signingKey: keys.privateKey }),
    async revoke(certificates, { nextUpdate = new Date(Date.now() + DAY_MS) } = {}) {
      const serials = await Promise.all(certificates.map(async (file) => new NodeCertificate(await readFile(file)).serialNumber));
      const list = await X509CrlGenerator.create({
        ...{ issuer, signingKey: keys.privateKey, signingAlgorithm, thisUpdate: new Date(), nextUpdate },
        entries: serials.map((serialNumber) => ({ serialNumber, revocationDate: new Date() })),
      });
      const file = join(directory, `revoked-${randomBytes(4).toString('hex')}.crl`);
      await writeFile(file, list.toString('pem'));
      return file;
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

async function createKeys(keyType: KeyType): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHMS[keyType], true, ['sign', 'verify']);
}

/** Positive, as RFC 5280 §4.1.2.2 wants it. */
function createSerialNumber(): string {
  return `01${randomBytes(8).toString('hex')}`;
}

function pemOf(certificate: X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}

export async function readCertificate({ certificate, privateKey }: CertificateFiles): Promise<{ cert: Buffer; key: Buffer }> {
  return { cert: await readFile(certificate), key: await readFile(privateKey) };
}
