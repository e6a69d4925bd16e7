import type { PeerCertificate } from 'node:tls';
import { type ErrorCode, GatewayError } from '../../model/error.ts';

type Explain = (error: NodeError, certificate: PeerCertificate | undefined) => string;

interface NodeError extends Error {
  readonly code?: unknown;
}

interface Rule {
  readonly code: ErrorCode;
  readonly explain: Explain;
}

const unknownCa: Rule = {
  code: 'HUB_UNTRUSTED',
  explain: (_, certificate) => `its certificate comes from an authority that is not trusted${describe(certificate)}`,
};

/** What Node and OpenSSL say, and what it means for the person in the plant. */
const RULES: Readonly<Record<string, Rule>> = {
  CERT_HAS_EXPIRED: {
    code: 'HUB_UNTRUSTED',
    explain: (_, c) => `its certificate, or one above it, has expired; ${clockHint()}${describe(c)}`,
  },
  CERT_NOT_YET_VALID: {
    code: 'HUB_UNTRUSTED',
    explain: (_, c) => `its certificate is not yet valid; ${clockHint()}${describe(c)}`,
  },
  CERT_REVOKED: { code: 'HUB_UNTRUSTED', explain: (_, c) => `its certificate is revoked${describe(c)}` },
  SELF_SIGNED_CERT_IN_CHAIN: unknownCa,
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownCa,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownCa,
  UNABLE_TO_GET_ISSUER_CERT: unknownCa,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownCa,
  CERT_SIGNATURE_FAILURE: unknownCa,
  INVALID_CA: unknownCa,
  ERR_TLS_CERT_ALTNAME_INVALID: {
    code: 'HUB_UNTRUSTED',
    explain: (error, c) => `its certificate is for another host name: ${error.message}${describe(c)}`,
  },
  ENOTFOUND: { code: 'HUB_REFUSED', explain: () => 'its host name is not known to the name server' },
  EAI_AGAIN: { code: 'HUB_REFUSED', explain: () => 'the name server does not answer' },
  ECONNREFUSED: { code: 'HUB_REFUSED', explain: () => 'nobody listens at this host and port' },
  EHOSTUNREACH: { code: 'HUB_REFUSED', explain: () => 'there is no way to its host' },
  ENETUNREACH: { code: 'HUB_REFUSED', explain: () => 'there is no way to its network' },
  ECONNRESET: { code: 'HUB_REFUSED', explain: () => 'the connection was reset' },
  EPIPE: { code: 'HUB_REFUSED', explain: () => 'the connection was closed by the hub' },
  ETIMEDOUT: { code: 'HUB_TIMEOUT', explain: () => 'the hub does not answer' },
  ERR_SSL_WRONG_VERSION_NUMBER: {
    code: 'HUB_REFUSED',
    explain: () => 'no TLS is spoken at this port; is it the port of `mqtt://`?',
  },
  ERR_SSL_PACKET_LENGTH_TOO_LONG: { code: 'HUB_REFUSED', explain: () => 'no TLS is spoken at this port' },
};

/** TLS looks at the clock of the machine, whatever the gateway knows about time. */
function clockHint(): string {
  return `the clock of this machine shows ${new Date().toISOString()}: if that is wrong, set it, and this error is gone`;
}

/** Alerts that speak of the gateway's own certificate. */
const CERTIFICATE_ALERT = /ALERT_(CERTIFICATE|BAD_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|UNSUPPORTED_CERTIFICATE|CERT)/;
const VERSION_FAULT = /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|HANDSHAKE_FAILURE|NO_SHARED|VERSION_TOO_LOW/;

/** Whether all that is wrong with a certificate is who has issued it. */
export function isChainFault(nodeCode: string): boolean {
  return RULES[nodeCode] === unknownCa;
}

/** The other side ended the stream, and that is all that is known. */
export function isEnded(error: NodeError): boolean {
  return error.code === 'ECONNRESET' || error.code === 'EPIPE';
}

/** An error of a TCP or TLS stream as one of ours. */
export function streamError(error: NodeError, subject: string, certificate?: PeerCertificate): GatewayError {
  const nodeCode = codeOf(error);
  const rule = RULES[nodeCode] ?? byPattern(nodeCode);
  return new GatewayError(rule.code, subject, rule.explain(error, certificate), { cause: error });
}

/** Several addresses were tried: what the first said. */
function codeOf(error: NodeError): string {
  const first: NodeError | undefined = error instanceof AggregateError ? error.errors[0] : undefined;
  return String(error.code ?? first?.code ?? '');
}

function byPattern(nodeCode: string): Rule {
  if (CERTIFICATE_ALERT.test(nodeCode)) {
    return {
      code: 'HUB_UNAUTHORIZED',
      explain: ({ message }) => `the hub does not accept the gateway's certificate: ${message}`,
    };
  }
  if (VERSION_FAULT.test(nodeCode)) {
    return { code: 'HUB_REFUSED', explain: ({ message }) => `no common version of TLS, at least 1.2, and cipher: ${message}` };
  }
  return { code: 'HUB_REFUSED', explain: ({ message }) => message };
}

function describe(certificate: PeerCertificate | undefined): string {
  if (certificate?.fingerprint256 === undefined) return '';
  const { subject, issuer, valid_from, valid_to, fingerprint256 } = certificate;
  return ` (subject ${subject.CN}, issuer ${issuer.CN}, valid from ${valid_from} to ${valid_to}, SHA-256 fingerprint ${fingerprint256})`;
}
