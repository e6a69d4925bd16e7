import type { GatewayError } from '../model/error.ts';
import type { Endpoint } from './dialect.ts';
import { isLoopback } from './loopback.ts';
import { Referral } from './wire/referral.ts';

/**
 * Where the hub at `from` sends the gateway, spoken to in the same way: with TLS its certificate has to fit the new name. `undefined`
 * where it names nobody, what cannot be read, or a place to which messages would leave this machine without TLS.
 */
export function referredEndpoint({ cause }: GatewayError, from: Endpoint): Endpoint | undefined {
  const [first = ''] = cause instanceof Referral ? cause.serverReference.trim().split(/\s+/) : [];
  const url = `mqtt://${first}`;
  if (!/^[\w.:[\]-]+$/.test(first) || !URL.canParse(url)) return undefined;
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  if (host === '' || (!from.tls && isLoopback(from.host) && !isLoopback(host))) return undefined;
  return { ...from, host, port: port === '' ? from.port : Number(port) };
}
