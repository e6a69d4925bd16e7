import { createHash, type X509Certificate } from 'node:crypto';
import { checkServerIdentity, type TLSSocket } from 'node:tls';
import { GatewayError } from '../../model/error.ts';
import { isChainFault, streamError } from './stream-error.ts';

/** Throws HUB_UNTRUSTED where the peer is not the one that is pinned. `isChainChecked`: its authority was looked at already. */
export function requirePin(
  stream: TLSSocket,
  pins: readonly string[],
  host: string,
  isChainChecked: boolean,
  subject: string,
): void {
  const certificate = stream.getPeerX509Certificate();
  const own = certificate === undefined ? [] : pinsOf(certificate);
  if (certificate === undefined || !pins.some((pin) => own.includes(normal(pin)))) {
    const shown = own.length === 0 ? 'it shows none' : `it is ${own.join(', or ')}`;
    throw new GatewayError('HUB_UNTRUSTED', subject, `its certificate is not the one that is pinned; ${shown}`);
  }
  if (isChainChecked) return;
  const { authorizationError } = stream;
  if (authorizationError !== null && authorizationError !== undefined && !isChainFault(String(authorizationError)))
    throw streamError(coded(String(authorizationError)), subject, stream.getPeerCertificate());
  const fault = checkServerIdentity(host, certificate.toLegacyObject());
  if (fault !== undefined) throw streamError(fault, subject, stream.getPeerCertificate());
}

/** Of the certificate, and of its key (SubjectPublicKeyInfo, RFC 7469 §2.4). */
function pinsOf(certificate: X509Certificate): readonly string[] {
  const key = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return [certificate.fingerprint256, `sha256/${createHash('sha256').update(key).digest('base64')}`];
}

function normal(pin: string): string {
  return pin.startsWith('sha256/') ? pin : pin.toUpperCase();
}

function coded(code: string): Error {
  return Object.assign(new Error(code), { code });
}
