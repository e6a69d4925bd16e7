import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

export interface Refusal {
  readonly status: number;
  readonly reason: string;
}

/**
 * What the operations server takes: reading, without a body, by a name that is this machine's. A page of a foreign site whose
 * name suddenly resolves to 127.0.0.1 (DNS rebinding) comes with the foreign name in `Host`.
 */
export function checkRequest(request: IncomingMessage, configuredHost: string): Refusal | undefined {
  const { method, headers } = request;
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, reason: 'only GET and HEAD' };
  if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0) {
    return { status: 413, reason: 'no body expected' };
  }
  if (!isOwnHost(headers.host, configuredHost)) return { status: 421, reason: 'this is not the host asked for' };
  if (!isOwnSite(headers)) return { status: 403, reason: 'not for pages of other sites' };
  return undefined;
}

const LOOPBACK: readonly string[] = ['localhost', '127.0.0.1', '::1'];
const EVERY_ADDRESS: readonly string[] = ['0.0.0.0', '::'];

function isOwnHost(header: string | undefined, configuredHost: string): boolean {
  const name = hostName(header);
  if (name === undefined) return false;
  if (LOOPBACK.includes(name) || name === configuredHost.toLowerCase()) return true;
  // An address can't be rebound; only names can.
  return EVERY_ADDRESS.includes(configuredHost) && isIP(name) !== 0;
}

/** Without port and brackets. */
function hostName(header: string | undefined): string | undefined {
  const [, bracketed, plain] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/@]+))(?::\d{1,5})?$/.exec(header ?? '') ?? [];
  return (bracketed ?? plain)?.toLowerCase();
}

function isOwnSite(headers: IncomingMessage['headers']): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'none' && site !== 'same-origin') return false;
  return headers.origin === undefined || headers.origin === `http://${headers.host}`;
}
