import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModbusPlan } from '../../../connectors/modbus/mapping/plan.ts';
import { SimulatedModbusDevice, type SimulatedModbusDeviceOptions } from '../../../src/simulator/modbus-device.ts';
import { FaultSwitch } from '../../../src/simulator/modbus-faults.ts';
import { attachModbusLine, type ModbusLine, startModbusLineServer } from '../../../src/simulator/modbus-line.ts';
import { startModbusTcpServer } from '../../../src/simulator/modbus-tcp-server.ts';
import { openSerialLine, type SerialLine } from '../../../src/simulator/serial-line.ts';
import { type DeviceSketch, type Protocol, planOf } from './modbus-plan.ts';

export { LINE_PROTOCOLS, PROTOCOLS, type Protocol } from './modbus-plan.ts';

export type Keys = Readonly<Record<string, unknown>>;

/** Simulated units behind one of the protocols, and the plan that reaches them. */
export interface Plant {
  readonly faults: FaultSwitch;
  readonly units: ReadonlyMap<number, SimulatedModbusDevice>;
  planOf(devices: Readonly<Record<string, DeviceSketch>>, connection?: Keys): ModbusPlan;
  takeAway(): void | Promise<void>;
  bringBack(): void | Promise<void>;
  dispose(): void | Promise<void>;
}

export interface SerialPlant extends Plant {
  readonly wire: SerialLine;
  readonly line: ModbusLine;
}

function unitsOf(numbers: readonly number[], options: SimulatedModbusDeviceOptions) {
  return new Map(numbers.map((number) => [number, new SimulatedModbusDevice(options)]));
}

export function startPlant(
  protocol: Protocol,
  numbers: readonly number[] = [1],
  options: SimulatedModbusDeviceOptions = {},
): Promise<Plant> {
  if (protocol === 'modbus-rtu' || protocol === 'modbus-ascii')
    return Promise.resolve(startSerialPlant(numbers, options, protocol));
  return startNetworkPlant(protocol, numbers, options);
}

export async function startNetworkPlant(
  protocol: Exclude<Protocol, 'modbus-rtu' | 'modbus-ascii'>,
  numbers: readonly number[] = [1],
  options: SimulatedModbusDeviceOptions = {},
): Promise<Plant> {
  const faults = new FaultSwitch();
  const units = unitsOf(numbers, options);
  const start = protocol === 'modbus-tcp' ? startModbusTcpServer : startModbusLineServer;
  const server = await start({ port: 0, units, faults, framing: framingOf(protocol) });
  return {
    faults,
    units,
    planOf: (devices, connection = {}) => planOf(protocol, { host: '127.0.0.1', port: server.port, ...connection }, devices),
    takeAway: () => server.down(),
    bringBack: () => server.up(),
    dispose: () => server.close(),
  };
}

function framingOf(protocol: Protocol): 'rtu' | 'ascii' {
  return protocol.startsWith('modbus-ascii') ? 'ascii' : 'rtu';
}

export function startSerialPlant(
  numbers: readonly number[] = [1],
  options: SimulatedModbusDeviceOptions = {},
  protocol: 'modbus-rtu' | 'modbus-ascii' = 'modbus-rtu',
): SerialPlant {
  const directory = mkdtempSync(join(tmpdir(), 'modbus-line-'));
  const wire = openSerialLine({ link: join(directory, 'usb-RS485-port0') });
  const faults = new FaultSwitch();
  const units = unitsOf(numbers, options);
  const line = attachModbusLine(wire, { units, faults, framing: framingOf(protocol) });
  return {
    faults,
    units,
    wire,
    line,
    // Pseudo-terminals have no parity.
    planOf: (devices, connection = {}) =>
      planOf(protocol, { port: wire.path, baudRate: 115_200, parity: 'none', ...connection }, devices),
    takeAway: () => wire.unplug(),
    bringBack: () => wire.plug(),
    dispose: () => {
      wire.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
