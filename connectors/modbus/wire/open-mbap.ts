import { GatewayError } from '../../../src/model/error.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import type { ModbusPlan } from '../mapping/plan.ts';
import type { TcpSettings } from '../mapping/settings.ts';
import type { Count } from '../protocol/counters.ts';
import type { Port } from './byte-port.ts';
import { MbapWire } from './mbap-wire.ts';
import { asOnePort, SeveralWires } from './several-wires.ts';
import { openTcpPort, type SocketPort } from './tcp-port.ts';
import type { Units } from './units.ts';
import type { Wire } from './wire.ts';

export interface OpenWire {
  readonly port: Port;
  readonly wire: Wire;
}

/** All connections of the plan to its device, or none. */
export async function openMbap(
  { name, settings }: ModbusPlan<TcpSettings>,
  { clock, count, units }: { readonly clock: Clock; readonly count: Count; readonly units: Units },
  signal: AbortSignal,
): Promise<OpenWire> {
  const ports: SocketPort[] = [];
  try {
    while (ports.length < settings.connections) ports.push(await openTcpPort(name, settings, clock, signal));
  } catch (error) {
    for (const port of ports) await port.close();
    throw ports.length > 0 && error instanceof GatewayError ? tooMany(error, ports.length + 1, settings.connections) : error;
  }
  const options = { timeoutMs: settings.timeout, maxInFlight: settings.maxInFlight, units, clock, count };
  const wires = ports.map((port) => new MbapWire(port, options));
  const [port] = ports;
  const [wire] = wires;
  if (wires.length === 1 && port !== undefined && wire !== undefined) return { port, wire };
  return { port: asOnePort(ports), wire: new SeveralWires(wires) };
}

function tooMany(error: GatewayError, failed: number, wanted: number): GatewayError {
  const message = `connection ${failed} of ${wanted} failed, the device may not allow so many, lower \`connections\`: ${error.message}`;
  return new GatewayError(error.code, error.subject, message, { cause: error });
}
