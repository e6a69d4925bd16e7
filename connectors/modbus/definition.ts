import type { ConnectorDefinition } from '../../src/southbound/connector.ts';
import { checkPlan } from './check.ts';
import { isRegisterPoint, type ModbusPlanPoint } from './plan.ts';
import { pointSchema } from './point-settings.ts';
import {
  type RtuOverTcpSettings,
  type RtuSettings,
  rtuConnection,
  rtuDevice,
  rtuOverTcpConnection,
  type TcpSettings,
  tcpConnection,
  tcpDevice,
} from './settings.ts';
import { portOf } from './tcp-settings.ts';
import { valueTypeOf } from './value-type.ts';

const tools = async () => (await import('./tools.ts')).tools;
const load = async () => (await import('./connector.ts')).createConnector;

/** Who a device is is asked now and then. */
const dueEveryMs = (point: ModbusPlanPoint) => (isRegisterPoint(point) ? point.intervalMs : undefined);

const formerKeys = {
  maxGap:
    'what it takes to read over a gap is now reckoned; `readUnwanted: false` in place of `maxGap: 0`, `doNotRead` for what must not be touched',
};

export const modbusTcp: ConnectorDefinition = {
  protocol: 'modbus-tcp',
  summary: 'Modbus TCP: devices with an Ethernet port, and serial units behind a converter that speaks Modbus TCP',
  connection: tcpConnection,
  device: tcpDevice,
  point: pointSchema,
  typeOf: valueTypeOf,
  dueEveryMs,
  formerKeys,
  endpoint: (settings: TcpSettings) => `modbus-tcp://${settings.host.toLowerCase()}:${portOf(settings)}`,
  check: checkPlan,
  load,
  tools,
};

export const modbusRtu: ConnectorDefinition = {
  protocol: 'modbus-rtu',
  summary: 'Modbus RTU: units on a serial line, RS-485 or RS-232',
  connection: rtuConnection,
  device: rtuDevice,
  point: pointSchema,
  typeOf: valueTypeOf,
  dueEveryMs,
  formerKeys,
  endpoint: ({ port }: RtuSettings) => `modbus-rtu://${port}`,
  check: checkPlan,
  load,
  tools,
};

export const modbusRtuOverTcp: ConnectorDefinition = {
  protocol: 'modbus-rtu-over-tcp',
  summary: 'Modbus RTU frames over a TCP connection: units behind a transparent serial converter',
  connection: rtuOverTcpConnection,
  device: rtuDevice,
  point: pointSchema,
  typeOf: valueTypeOf,
  dueEveryMs,
  formerKeys,
  endpoint: ({ host, port }: RtuOverTcpSettings) => `modbus-rtu-over-tcp://${host.toLowerCase()}:${port}`,
  check: checkPlan,
  load,
  tools,
};
