import type { Endpoint } from './dialect.ts';

/** For people, e.g. `mqtts://broker.plant-a.example:8883`. */
export function endpointName({ host, port, tls }: Endpoint): string {
  return `${tls ? 'mqtts' : 'mqtt'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
