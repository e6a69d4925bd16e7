import { startChild } from '../harness/child.ts';
import type { Half, Load } from './half.ts';

export const modbus: Half = {
  name: 'modbus',
  aim: { cores: 0.4, megabytes: 200, writeMs: 50 },
  peers:
    'NeuronEX 3.2.1 publishes 30 % and 497 MB for 100 000/s, 21 % and 189 MB for 10 000 at 100 ms; NG Gateway 7 % and 153 MiB, writes 76 ms on average',
  start: async (load) => {
    const server = await startChild<{ ports: readonly number[] }>(import.meta.url, './modbus-server.ts', [String(load.channels)]);
    return { mappings: { 'plant.yaml': mapping(load, server.ready.ports) }, stop: () => server.stop() };
  },
};

function mapping({ devicesPerChannel, pointsPerDevice, intervalMs }: Load, ports: readonly number[]): string {
  const instances = ports.flatMap((port, channel) =>
    Array.from(
      { length: devicesPerChannel },
      (_, device) => `  - { twin: c${channel}-d${device}, connection: { host: 127.0.0.1, port: ${port}, unit: ${device + 1} } }`,
    ),
  );
  const points = Array.from({ length: pointsPerDevice }, (_, point) => {
    const write = point === 0 ? ', write: { min: -1000, max: 1000 }' : '';
    return `  p${point}: { address: { holding: ${2 * point} }, type: float32${write} }`;
  });
  return [
    'connection: { protocol: modbus-tcp }',
    'message: { maxAge: 1 s }',
    `defaults: { interval: ${intervalMs} ms }`,
    'instances:',
    ...instances,
    'points:',
    ...points,
  ].join('\n');
}
