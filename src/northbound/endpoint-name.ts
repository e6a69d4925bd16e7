import type { Endpoint } from './dialect.ts';

/** For people, e.g. `mqtts://broker.plant-a.example:8883`. */
export function endpointName({ host, port, tls, webSocketPath }: Endpoint): string {
  const scheme = webSocketPath === undefined ? 'mqtt' : 'ws';
  return `${scheme}${tls ? 's' : ''}://${host.includes(':') ? `[${host}]` : host}:${port}${webSocketPath ?? ''}`;
}
