import { type ErrorCode, GatewayError } from '../../../src/model/error.ts';

interface Rule {
  readonly code: ErrorCode;
  readonly explain: (text: string) => string;
}

const rule = (code: ErrorCode, message: string): Rule => ({ code, explain: () => message });
const unknownCa: Rule = {
  code: 'LINK_UNTRUSTED',
  explain: (text) => `its certificate comes from an authority that is not \`tls.ca\`, compare it with the device (${text})`,
};

/** What Node and OpenSSL say, and what it means for the person in the plant. */
const RULES: Readonly<Record<string, Rule>> = {
  ECONNREFUSED: rule('LINK_REFUSED', 'nobody listens there (ECONNREFUSED)'),
  ENOTFOUND: rule('LINK_REFUSED', 'no such host name (ENOTFOUND)'),
  EHOSTUNREACH: rule('LINK_TIMEOUT', 'no way to this address (EHOSTUNREACH)'),
  ENETUNREACH: rule('LINK_TIMEOUT', 'no way to this network (ENETUNREACH)'),
  ETIMEDOUT: { code: 'LINK_TIMEOUT', explain: (text) => text },
  ECONNRESET: { code: 'LINK_CLOSED', explain: (text) => text },
  EPIPE: { code: 'LINK_CLOSED', explain: (text) => text },
  CERT_HAS_EXPIRED: rule(
    'LINK_UNTRUSTED',
    'the certificate of the device, or its authority, has expired: have it renewed, check the clock of the gateway',
  ),
  CERT_NOT_YET_VALID: rule('LINK_UNTRUSTED', 'the certificate of the device is not valid yet: check the clock of the gateway'),
  SELF_SIGNED_CERT_IN_CHAIN: unknownCa,
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownCa,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownCa,
  UNABLE_TO_GET_ISSUER_CERT: unknownCa,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownCa,
  CERT_SIGNATURE_FAILURE: unknownCa,
  ERR_TLS_CERT_ALTNAME_INVALID: {
    code: 'LINK_UNTRUSTED',
    explain: (text) => `its certificate is for another name, set \`tls.serverName\` to the name that it bears (${text})`,
  },
  ERR_SSL_WRONG_VERSION_NUMBER: rule('LINK_PROTOCOL', 'no TLS is spoken at this port; Modbus/TCP Security mostly has 802'),
};

/** Alerts that speak of the gateway's own certificate. */
const OWN_CERTIFICATE = /ALERT_(CERTIFICATE|BAD_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|UNSUPPORTED_CERTIFICATE|CERT)/;
const NO_COMMON_TLS = /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|HANDSHAKE_FAILURE|NO_SHARED|VERSION_TOO_LOW/;

export function translateSocketError(error: Error, name: string, where: string): GatewayError {
  const cause = 'code' in error ? String(error.code) : '';
  const { code, explain } = RULES[cause] ?? byPattern(cause);
  return new GatewayError(code, name, `${where}: ${explain(error.message || cause)}`, { cause: error });
}

/** Devices that do not like the certificate of the gateway mostly just hang up. */
export function translateHandshakeError(error: Error, name: string, where: string): GatewayError {
  const hasHungUp = 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
  if (!hasHungUp) return translateSocketError(error, name, where);
  return new GatewayError('LINK_UNAUTHORIZED', name, `${where}: ${refusedCertificate(error.message)}`, { cause: error });
}

function byPattern(cause: string): Rule {
  if (OWN_CERTIFICATE.test(cause)) return { code: 'LINK_UNAUTHORIZED', explain: refusedCertificate };
  if (NO_COMMON_TLS.test(cause)) {
    return {
      code: 'LINK_UNAUTHORIZED',
      explain: (text) => `no common version of TLS, at least 1.2, and cipher; or ${refusedCertificate(text)}`,
    };
  }
  return { code: 'LINK_REFUSED', explain: (text) => text };
}

export function refusedCertificate(text: string): string {
  return `the device does not accept who the gateway is: \`tls.certificate\` and \`tls.privateKey\` must be known there (${text})`;
}
