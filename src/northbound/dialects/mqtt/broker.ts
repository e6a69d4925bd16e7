import type { Endpoint } from '../../dialect.ts';

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'mqtts:': 8883, 'mqtt:': 1883, 'wss:': 443, 'ws:': 80 };

/** `undefined` where the text is no address of a broker. */
export function brokerOf(url: string): Endpoint | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname, port, pathname } = new URL(url);
  const defaultPort = DEFAULT_PORTS[protocol];
  if (defaultPort === undefined || hostname === '') return undefined;
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? defaultPort : Number(port),
    tls: protocol === 'mqtts:' || protocol === 'wss:',
    ...(protocol.startsWith('ws') ? { webSocketPath: pathname } : {}),
  };
}
