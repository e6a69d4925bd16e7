import type { Endpoint } from '../../dialect.ts';

/** `undefined` where the text is no address of a broker. */
export function brokerOf(url: string): Endpoint | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname, port } = new URL(url);
  const tls = protocol === 'mqtts:';
  if ((!tls && protocol !== 'mqtt:') || hostname === '') return undefined;
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? (tls ? 8883 : 1883) : Number(port), tls };
}
