import type { FastDecoder } from '../codec/codec.ts';
import { type Layout, layoutOf } from '../codec/layout.ts';
import { isBitTable, type Table, wireAddress } from '../mapping/address.ts';
import type { RegisterPoint } from '../mapping/plan.ts';
import type { ModbusDevice } from '../mapping/settings.ts';

export interface PlacedPoint {
  readonly point: RegisterPoint;
  readonly table: Table;
  /** Zero-based. */
  readonly address: number;
  readonly layout: Layout;
  /** Of the layout's codec, where it has one: near at hand in the loop over the points of an answer. */
  readonly decodeAt: FastDecoder['decodeAt'] | undefined;
}

/** Cells of one table: registers or bits, `to` not included. */
export interface Range {
  readonly table: Table;
  readonly from: number;
  readonly to: number;
  /** Of what was refused: its ends are answered apart. Between them is a hole, or it is too much for one answer. */
  readonly isAtOnce?: true;
}

/** What is read whole or not at all: a value, the values of the same cells, a group that is to be of one instant. */
export interface Item extends Range {
  readonly points: readonly PlacedPoint[];
}

export function placePoint(point: RegisterPoint, { addressBase }: ModbusDevice): PlacedPoint {
  const { address } = point.address;
  const layout = layoutOf(point, addressBase);
  const { valueAt, codec } = layout;
  return {
    point,
    table: address.table,
    address: wireAddress(address, addressBase) - valueAt,
    layout,
    decodeAt: codec.fast?.decodeAt,
  };
}

/** By table and address. */
export function toItems(points: readonly PlacedPoint[]): readonly Item[] {
  const items = [...Map.groupBy(points, keyOf).values()].map(toItem);
  return items.toSorted((a, b) => a.table.localeCompare(b.table) || a.from - b.from || a.to - b.to);
}

/** The points lie in one table. */
export function toItem(points: readonly PlacedPoint[]): Item {
  const from = points.reduce((least, { address }) => Math.min(least, address), Number.POSITIVE_INFINITY);
  const to = points.reduce((most, { address, layout }) => Math.max(most, address + layout.size), 0);
  return { table: points[0]?.table ?? 'holding', from, to, points };
}

export function maxCells(table: Table, device: ModbusDevice): number {
  return isBitTable(table) ? device.maxBitsPerRequest : device.maxRegistersPerRequest;
}

/** What `doNotRead` names, zero-based. */
export function forbiddenRanges({ doNotRead, addressBase }: ModbusDevice): readonly Range[] {
  return doNotRead.map(({ table, from, to }) => ({ table, from: from - addressBase, to: to - addressBase }));
}

/** As in the data list of the device, both ends included: `holding 100 to 119`. */
export function describeRange({ table, from, to, isAtOnce }: Range): string {
  return to - from === 1 ? `${table} ${from}` : `${table} ${from} to ${to - 1}${isAtOnce === true ? ' at once' : ''}`;
}

function keyOf({ point, table, address, layout }: PlacedPoint): string {
  const { together } = point.address;
  return together === undefined ? `${table} ${address} ${layout.size}` : `${table} together ${together}`;
}
