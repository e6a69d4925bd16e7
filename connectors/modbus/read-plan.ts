import { isBitTable, type Table, wireAddress } from './address.ts';
import { type Layout, layoutOf } from './layout.ts';
import type { ModbusPlanPoint } from './plan.ts';
import { type ReadRequest, readFunction } from './request.ts';
import type { ModbusDevice } from './settings.ts';

/**
 * Points to the fewest read requests. Sorted by address, each point joins the request before it while the unwanted registers
 * between them are few enough (`maxGap`) and the whole stays within the limit of the device. A value is never split over two
 * requests: it would be torn when the device changes it in between.
 */
export interface PlacedPoint {
  readonly point: ModbusPlanPoint;
  readonly table: Table;
  /** Zero-based. */
  readonly address: number;
  readonly layout: Layout;
}

/** One request and the points that its answer holds. */
export interface Block {
  readonly request: ReadRequest;
  readonly points: readonly PlacedPoint[];
}

export function placePoint(point: ModbusPlanPoint, device: ModbusDevice): PlacedPoint {
  const { address } = point.address;
  return { point, table: address.table, address: wireAddress(address, device.addressBase), layout: layoutOf(point) };
}

export function planReads(points: readonly PlacedPoint[], device: ModbusDevice): readonly Block[] {
  const sorted = points.toSorted((a, b) => a.table.localeCompare(b.table) || a.address - b.address);
  const groups: PlacedPoint[][] = [];
  let current: { table: Table; start: number; end: number } | undefined;
  for (const point of sorted) {
    const end = endOf(point);
    if (current !== undefined && fits(point, current, device)) {
      groups.at(-1)?.push(point);
      current.end = Math.max(current.end, end);
    } else {
      groups.push([point]);
      current = { table: point.table, start: point.address, end };
    }
  }
  return groups.map((group) => toBlock(group, device));
}

const BITS_OF_A_REGISTER = 16;

function fits(point: PlacedPoint, { table, start, end }: { table: Table; start: number; end: number }, device: ModbusDevice) {
  const isBits = isBitTable(point.table);
  const maxGap = isBits ? device.maxGap * BITS_OF_A_REGISTER : device.maxGap;
  const maxCount = isBits ? device.maxBitsPerRequest : device.maxRegistersPerRequest;
  return point.table === table && point.address - end <= maxGap && Math.max(end, endOf(point)) - start <= maxCount;
}

function endOf({ address, layout }: PlacedPoint): number {
  return address + layout.size;
}

/** The points of one request; they lie in one table. */
export function toBlock(points: readonly PlacedPoint[], device: ModbusDevice): Block {
  const address = Math.min(...points.map((point) => point.address));
  const count = Math.max(...points.map(endOf)) - address;
  const table = points[0]?.table ?? 'holding';
  return { request: { function: readFunction(table), unit: device.unit, address, count }, points };
}
