import type { DataType } from '../../src/model/data-type.ts';
import { isBitTable } from './address.ts';
import type { ModbusPlanPoint } from './plan.ts';
import type { ModbusPoint } from './settings.ts';

/** How a value lies in its registers, or the bit of a register or of a bit table that it is. */
export interface Layout {
  readonly type: DataType;
  /** Registers, or 1 for a coil or discrete input. */
  readonly size: number;
  readonly wordOrder: ModbusPoint['wordOrder'];
  readonly byteOrder: ModbusPoint['byteOrder'];
  readonly bit?: number;
}

/** Registers of each type that has a fixed size. */
const REGISTERS: Partial<Record<DataType, number>> = {
  boolean: 1,
  int8: 1,
  uint8: 1,
  int16: 1,
  uint16: 1,
  int32: 2,
  uint32: 2,
  float32: 2,
  int64: 4,
  uint64: 4,
  float64: 4,
};

/** What a point is where `type` is not written; `undefined` where it must be. */
export function typeOf({ type, address: { address } }: ModbusPlanPoint): DataType | undefined {
  if (type !== undefined) return type;
  return isBitTable(address.table) || address.bit !== undefined ? 'boolean' : undefined;
}

/** Registers (or bits) that a point takes; `undefined` where its keys do not tell. */
export function sizeOf(point: ModbusPlanPoint): number | undefined {
  const type = typeOf(point);
  if (type === undefined) return undefined;
  return type === 'string' || type === 'bytes' ? point.address.length : REGISTERS[type];
}

/** Only for points that `check` has let through. */
export function layoutOf(point: ModbusPlanPoint): Layout {
  const { address, wordOrder, byteOrder } = point.address;
  const bit = address.bit === undefined ? {} : { bit: address.bit };
  return { type: typeOf(point) ?? 'uint16', size: sizeOf(point) ?? 1, wordOrder, byteOrder, ...bit };
}
