import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import type { Secret } from '../model/secret.ts';
import type { Finding } from './problem-list.ts';
import type { Span } from './source-file.ts';

const READ_BITS = 0o444;
const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Can the file be read? */
export function checkFile(path: string, at: Span): readonly Finding[] {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) return [{ at, message: 'there is no such file', got: path, hint: RELATIVE }];
  if (status.isDirectory()) return [{ at, message: 'a directory stands here where a file is wanted', got: path }];
  if ((status.mode & READ_BITS) === 0 || !isReadable(path)) {
    return [{ at, message: 'this file may not be read', got: path, hint: 'give the user of the gateway the right to read it' }];
  }
  return [];
}

const RELATIVE = 'paths are relative to the file that names them';

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/** Does the file hold certificates that are valid now and, where a key is given, does the first belong to the key? */
export function checkCertificate(path: string, at: Span, nowMs: number, key?: Secret): readonly Finding[] {
  const unreadable = checkFile(path, at);
  if (unreadable.length > 0) return unreadable;
  const certificates = parseCertificates(readFileSync(path, 'latin1'));
  if (certificates === undefined)
    return [{ at, message: 'this file holds no X.509 certificate', expected: 'PEM: -----BEGIN CERTIFICATE-----' }];
  const findings = certificates.flatMap((certificate) => checkValidity(certificate, at, nowMs));
  const [first] = certificates;
  return first === undefined || key === undefined ? findings : [...findings, ...checkKey(first, key, at)];
}

function parseCertificates(text: string): readonly X509Certificate[] | undefined {
  try {
    const certificates = [...text.matchAll(PEM)].map(([pem]) => new X509Certificate(pem));
    return certificates.length > 0 ? certificates : undefined;
  } catch {
    return undefined;
  }
}

function checkValidity(certificate: X509Certificate, at: Span, nowMs: number): readonly Finding[] {
  const name = certificate.subject.replaceAll('\n', ', ');
  if (certificate.validToDate.getTime() < nowMs) {
    const message = `the certificate of ${name} expired on ${certificate.validToDate.toISOString().slice(0, 10)}`;
    return [{ at, message, hint: 'have it renewed; check the clock of the gateway too' }];
  }
  if (certificate.validFromDate.getTime() > nowMs) {
    const message = `the certificate of ${name} is valid only from ${certificate.validFromDate.toISOString().slice(0, 10)}`;
    return [{ at, severity: 'warning', message, hint: 'check the clock of the gateway' }];
  }
  return [];
}

function checkKey(certificate: X509Certificate, secret: Secret, at: Span): readonly Finding[] {
  if (secret.revealBytes().length === 0) return [];
  const key = parseKey(secret);
  if (key === undefined)
    return [{ at, message: `the secret \`${secret.name}\` is not a private key`, expected: 'PEM: -----BEGIN PRIVATE KEY-----' }];
  if (certificate.checkPrivateKey(key)) return [];
  return [{ at, message: `the certificate and the private key \`${secret.name}\` do not belong together` }];
}

function parseKey(secret: Secret): KeyObject | undefined {
  try {
    return createPrivateKey(secret.reveal());
  } catch {
    return undefined;
  }
}
