import { type ErrorCode, GatewayError } from '../../src/model/error.ts';

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there (ECONNREFUSED)',
  ENOTFOUND: 'no such host name (ENOTFOUND)',
  EHOSTUNREACH: 'no way to this address (EHOSTUNREACH)',
  ENETUNREACH: 'no way to this network (ENETUNREACH)',
};

const CODES: Readonly<Record<string, ErrorCode>> = {
  ETIMEDOUT: 'LINK_TIMEOUT',
  EHOSTUNREACH: 'LINK_TIMEOUT',
  ENETUNREACH: 'LINK_TIMEOUT',
  ECONNRESET: 'LINK_CLOSED',
  EPIPE: 'LINK_CLOSED',
};

export function translateSocketError(error: Error, name: string, where: string): GatewayError {
  const cause = 'code' in error ? String(error.code) : '';
  return new GatewayError(CODES[cause] ?? 'LINK_REFUSED', name, `${where}: ${REASONS[cause] ?? (error.message || cause)}`, {
    cause: error,
  });
}
