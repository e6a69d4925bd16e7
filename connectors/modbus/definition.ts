import type { ConnectorDefinition } from '../../src/southbound/connector.ts';
import { checkPlan } from './checking/check.ts';
import { valueTypeOf } from './checking/value-type.ts';
import { isRegisterPoint, type ModbusPlanPoint } from './mapping/plan.ts';
import { pointSchema } from './mapping/point-settings.ts';
import {
  asciiConnection,
  lineDevice,
  type OverTcpSettings,
  overTcpConnection,
  rtuConnection,
  type SerialSettings,
  type TcpSettings,
  tcpConnection,
  tcpDevice,
} from './mapping/settings.ts';
import { portOf } from './mapping/tcp-settings.ts';

const tools = async () => (await import('./tools.ts')).tools;
const load = async () => (await import('./connector.ts')).createConnector;

/** Who a device is is asked now and then. */
const dueEveryMs = (point: ModbusPlanPoint) => (isRegisterPoint(point) ? point.intervalMs : undefined);

const formerKeys = {
  maxGap:
    'what it takes to read over a gap is now reckoned; `readUnwanted: false` in place of `maxGap: 0`, `doNotRead` for what must not be touched',
};

const common = { point: pointSchema, typeOf: valueTypeOf, dueEveryMs, formerKeys, check: checkPlan, load, tools };

export const modbusTcp: ConnectorDefinition = {
  ...common,
  protocol: 'modbus-tcp',
  summary: 'Modbus TCP: devices with an Ethernet port, and serial units behind a converter that speaks Modbus TCP',
  connection: tcpConnection,
  device: tcpDevice,
  endpoint: (settings: TcpSettings) => `modbus-tcp://${settings.host.toLowerCase()}:${portOf(settings)}`,
};

export const modbusRtu = serial('modbus-rtu', 'Modbus RTU: units on a serial line, RS-485 or RS-232', rtuConnection);
export const modbusAscii = serial(
  'modbus-ascii',
  'Modbus ASCII: units on a serial line that write their bytes as text',
  asciiConnection,
);

export const modbusRtuOverTcp = overTcp(
  'modbus-rtu-over-tcp',
  'Modbus RTU frames over a TCP connection: units behind a transparent serial converter',
);
export const modbusAsciiOverTcp = overTcp(
  'modbus-ascii-over-tcp',
  'Modbus ASCII frames over a TCP connection: units behind a transparent serial converter',
);

function serial(
  protocol: 'modbus-rtu' | 'modbus-ascii',
  summary: string,
  connection: ConnectorDefinition['connection'],
): ConnectorDefinition {
  const endpoint = ({ port }: SerialSettings) => `${protocol}://${port}`;
  return { ...common, protocol, summary, connection, device: lineDevice, endpoint };
}

function overTcp(protocol: 'modbus-rtu-over-tcp' | 'modbus-ascii-over-tcp', summary: string): ConnectorDefinition {
  const endpoint = ({ host, port }: OverTcpSettings) => `${protocol}://${host.toLowerCase()}:${port}`;
  return { ...common, protocol, summary, connection: overTcpConnection, device: lineDevice, endpoint };
}
