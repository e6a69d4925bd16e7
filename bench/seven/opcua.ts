import { LOAD_NAMESPACE } from '../../test/support/opcua-load-server.ts';
import { type BenchPlant, startPlant } from '../opcua/plant.ts';
import type { Half, Load } from './half.ts';

export const opcua: Half = {
  name: 'opcua',
  aim: { cores: 0.6, megabytes: 250, writeMs: 50 },
  peers:
    'NeuronEX 3.2.1 publishes 60 % and 594 MB for 100 000/s, 36 % and 199 MB for 10 000 at 100 ms, writes 12 ms on average; NG Gateway 8 % and 165 MiB',
  start: async (load) => {
    const { channels, devicesPerChannel, pointsPerDevice, intervalMs } = load;
    const options = { variables: devicesPerChannel * pointsPerDevice, intervalMs, type: 'float' } as const;
    const servers = await Promise.all(Array.from({ length: channels }, () => startPlant(options)));
    return {
      mappings: Object.fromEntries(servers.flatMap((server, channel) => mappings(load, server, channel))),
      stop: async () => {
        await Promise.all(servers.map((server) => server.stop()));
      },
    };
  },
};

function mappings(load: Load, { url }: BenchPlant, channel: number): readonly (readonly [string, string])[] {
  return Array.from({ length: load.devicesPerChannel }, (_, device) => {
    const twin = `c${channel}-d${device}`;
    return [`${twin}.yaml`, mapping(load, twin, url, device)] as const;
  });
}

function mapping({ pointsPerDevice, intervalMs }: Load, twin: string, url: string, device: number): string {
  const points = Array.from({ length: pointsPerDevice }, (_, point) => {
    const write = point === 0 ? ', type: float32, write: { min: -1000, max: 1000 }' : '';
    return `  p${point}: { address: "nsu=${LOAD_NAMESPACE};s=v${device * pointsPerDevice + point}"${write} }`;
  });
  return [
    `twin: ${twin}`,
    `connection: { protocol: opcua, url: "${url}", security: { policy: none }, publishingInterval: ${intervalMs} ms }`,
    'message: { maxAge: 1 s }',
    `defaults: { interval: ${intervalMs} ms }`,
    'points:',
    ...points,
  ].join('\n');
}
