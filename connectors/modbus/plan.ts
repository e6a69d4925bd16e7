import type { ConnectionPlan, DevicePlan } from '../../src/model/plan.ts';
import type { Point } from '../../src/model/point.ts';
import type { ModbusDevice, ModbusPoint, ModbusSettings, RtuSettings } from './settings.ts';

/** A connection as this connector's declaration parsed it. */
export type ModbusPlan<Settings = ModbusSettings> = ConnectionPlan<Settings, ModbusDevice, ModbusPoint>;
export type ModbusDevicePlan = DevicePlan<ModbusDevice, ModbusPoint>;
export type ModbusPlanPoint = Point<ModbusPoint>;

/** The points that are read from the device; derived points have no address. */
export function devicePoints(device: ModbusDevicePlan): readonly ModbusPlanPoint[] {
  return device.points.map(({ point }) => point).filter(({ address }) => address !== undefined);
}

export function isSerial(plan: ModbusPlan): plan is ModbusPlan<RtuSettings> {
  return plan.protocol === 'modbus-rtu';
}
