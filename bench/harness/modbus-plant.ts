import { startChild } from './child.ts';

/** Modbus TCP devices, all with the same float32 points. Devices of one port share a connection. */
export interface ModbusPlant {
  readonly devices: readonly { readonly port: number; readonly unit: number }[];
  readonly points: number;
  readonly intervalMs: number;
  /** Default: that of the configuration. */
  readonly messageAge?: string;
}

/** A server of as many units as are asked for, whose values are others at each read, in a process of its own. */
export async function startModbusServer() {
  const child = await startChild<{ readonly ports: readonly [number] }>(import.meta.url, '../seven/modbus-server.ts', ['1']);
  return { port: child.ready.ports[0], stop: () => child.stop() };
}

/** Its mapping file. */
export function modbusMapping({ devices, points, intervalMs, messageAge }: ModbusPlant): string {
  const instances = devices.map(
    ({ port, unit }, index) => `  - { twin: press-${index + 1}, connection: { port: ${port}, unit: ${unit} } }`,
  );
  const lines = Array.from(
    { length: points },
    (_, point) => `  p${point}: { address: { holding: ${2 * point} }, type: float32 }`,
  );
  return `connection: { protocol: modbus-tcp, host: 127.0.0.1 }
defaults: { interval: ${intervalMs} ms }
${messageAge === undefined ? '' : `message: { maxAge: ${messageAge} }\n`}instances:
${instances.join('\n')}
points:
${lines.join('\n')}
`;
}
