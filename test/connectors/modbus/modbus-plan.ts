import { connectors } from '../../../connectors/index.ts';
import { modbusTcp } from '../../../connectors/modbus/definition.ts';
import type { ModbusDevicePlan, ModbusPlan, ModbusPlanPoint, RegisterPoint } from '../../../connectors/modbus/mapping/plan.ts';
import type { ModbusDevice, ModbusSettings } from '../../../connectors/modbus/mapping/settings.ts';
import type { DataType } from '../../../src/model/data-type.ts';
import type { Point } from '../../../src/model/point.ts';

export const PROTOCOLS = ['modbus-tcp', 'modbus-rtu', 'modbus-rtu-over-tcp', 'modbus-ascii', 'modbus-ascii-over-tcp'] as const;
/** Those whose frames carry no number. */
export const LINE_PROTOCOLS = PROTOCOLS.filter((protocol) => protocol !== 'modbus-tcp');
export type Protocol = (typeof PROTOCOLS)[number];

/** A point as in a mapping file, without the operators' keys. */
export interface PointSketch extends Readonly<Record<string, unknown>> {
  readonly address: unknown;
  readonly type?: DataType;
  readonly intervalMs?: number;
  readonly access?: Point['access'];
}

export interface DeviceSketch {
  /** The device's keys of `connection:`. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly points: Readonly<Record<string, PointSketch>>;
}

/** A connection with its devices, by twin, parsed by the declarations of the connector. */
export function planOf(
  protocol: Protocol,
  connection: Readonly<Record<string, unknown>>,
  devices: Readonly<Record<string, DeviceSketch>>,
): ModbusPlan {
  const definition = connectors.find((one) => one.protocol === protocol);
  if (definition === undefined) throw new Error(`no protocol ${protocol}`);
  const settings = definition.connection.parse(connection) as ModbusSettings;
  return {
    name: 'line',
    protocol,
    endpoint: definition.endpoint(settings as never),
    settings,
    devices: Object.entries(devices).map(([twin, sketch]) => ({
      ...deviceOf(twin, sketch),
      settings: definition.device.parse(sketch.settings ?? { unit: 1 }) as ModbusDevice,
    })),
  };
}

function deviceOf(twin: string, { points }: DeviceSketch): ModbusDevicePlan {
  const cloud = ['cloud'];
  return {
    twin,
    labels: {},
    connection: 'line',
    settings: modbusTcp.device.parse({}) as ModbusDevice,
    points: Object.entries(points).map(([name, sketch]) => ({ point: pointOf(name, sketch, twin), keys: {} })),
    hubs: { telemetry: cloud, property: cloud, event: cloud, gap: cloud, status: cloud },
    message: { maxBytes: 4_000, maxAgeMs: 5_000 },
  };
}

export function pointOf(name: string, sketch: PointSketch, device = 'meter'): RegisterPoint {
  const { type, intervalMs = 1_000, access = 'read', ...keys } = sketch;
  return {
    id: `${device}/${name}`,
    device,
    name,
    address: modbusTcp.point.parse(keys) as RegisterPoint['address'],
    ...(type === undefined ? {} : { type }),
    access,
    kind: 'telemetry',
    intervalMs,
  };
}

export function deviceSettings(keys: Readonly<Record<string, unknown>> = {}): ModbusDevice {
  return modbusTcp.device.parse(keys) as ModbusDevice;
}

export function pointNamed(plan: ModbusPlan, name: string, twin?: string): ModbusPlanPoint {
  const points = plan.devices.filter((device) => twin === undefined || device.twin === twin).flatMap((device) => device.points);
  const found = points.find(({ point }) => point.name === name);
  if (found === undefined) throw new Error(`the plan has no point ${name}`);
  return found.point;
}
