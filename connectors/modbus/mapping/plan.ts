import type { ConnectionPlan, DevicePlan } from '../../../src/model/plan.ts';
import type { Point } from '../../../src/model/point.ts';
import type { ModbusAddress } from './address.ts';
import type { ModbusPoint } from './point-settings.ts';
import type { ModbusDevice, ModbusSettings, SerialSettings } from './settings.ts';

/** A connection as this connector's declaration parsed it. */
export type ModbusPlan<Settings = ModbusSettings> = ConnectionPlan<Settings, ModbusDevice, ModbusPoint>;
export type ModbusDevicePlan = DevicePlan<ModbusDevice, ModbusPoint>;
export type ModbusPlanPoint = Point<ModbusPoint>;
/** A point that lies in one of the four tables. */
export type RegisterPoint = Point<Omit<ModbusPoint, 'address'> & { readonly address: ModbusAddress }>;
/** A point that the device tells in its identification. */
export type IdentificationPoint = Point<Omit<ModbusPoint, 'address'> & { readonly address: { readonly identification: number } }>;

/** The points that are read from the tables of the device; derived points have no address. */
export function devicePoints(device: ModbusDevicePlan): readonly RegisterPoint[] {
  return device.points
    .map(({ point }) => point)
    .filter((point) => point.address !== undefined)
    .filter(isRegisterPoint);
}

export function identificationPoints(device: ModbusDevicePlan): readonly IdentificationPoint[] {
  return device.points
    .map(({ point }) => point)
    .filter((point) => point.address !== undefined)
    .filter(isIdentificationPoint);
}

export function isRegisterPoint(point: ModbusPlanPoint): point is RegisterPoint {
  return 'table' in point.address.address;
}

export function isIdentificationPoint(point: ModbusPlanPoint): point is IdentificationPoint {
  return !isRegisterPoint(point);
}

export function isSerial(plan: ModbusPlan): plan is ModbusPlan<SerialSettings> {
  return isSerialProtocol(plan.protocol);
}

/** On a line of its own, in place of one behind a converter. */
export function isSerialProtocol(protocol: string): boolean {
  return protocol === 'modbus-rtu' || protocol === 'modbus-ascii';
}
