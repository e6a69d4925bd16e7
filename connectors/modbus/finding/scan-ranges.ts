import type { Point } from '../../../src/model/point.ts';
import type { OneShot } from '../../../src/southbound/connector.ts';
import type { ScanEvent } from '../../../src/southbound/scan-tool.ts';
import { isBitTable, TABLES, type Table } from '../mapping/address.ts';
import { scanPoint } from './scan-unit.ts';

export interface CellRange {
  readonly from: number;
  /** Included. */
  readonly to: number;
}

type Read = (point: Point) => Promise<readonly OneShot[]>;

const MAX_REGISTERS = 125;
const MAX_BITS = 2_000;

/** Which cells of each table can be read. What is refused is halved until it is one cell. */
export async function* findRanges(unit: number, wanted: CellRange, read: Read): AsyncGenerator<ScanEvent> {
  for (const table of TABLES) {
    const found = await readTable(unit, table, wanted, read);
    const ranges = found.ranges.map(({ from, to }) => (from === to ? `${from}` : `${from} to ${to}`)).join(', ');
    const text = `unit ${unit}: ${table} ${ranges === '' ? 'nothing' : ranges}${found.note}`;
    yield { kind: 'range', text, data: { unit, table, ranges: found.ranges, requests: found.requests } };
  }
}

interface TableFound {
  readonly ranges: readonly CellRange[];
  readonly requests: number;
  readonly note: string;
}

async function readTable(unit: number, table: Table, { from, to }: CellRange, read: Read): Promise<TableFound> {
  const block = isBitTable(table) ? MAX_BITS : MAX_REGISTERS;
  const waiting: CellRange[] = [];
  for (let start = from; start <= to; start += block) waiting.push({ from: start, to: Math.min(to, start + block - 1) });
  const ranges: CellRange[] = [];
  let requests = 0;
  for (let cells = waiting.shift(); cells !== undefined; cells = waiting.shift()) {
    requests += 1;
    const [reading] = await read(cellsPoint(unit, table, cells));
    if (reading?.quality === 'good') append(ranges, cells);
    else if (reading?.status === 'BadNotSupported') return { ranges, requests, note: ', it does not know the function' };
    else if (!isRefused(reading?.status)) return { ranges, requests, note: `, stopped at ${cells.from}: ${reading?.status}` };
    else if (cells.to > cells.from) waiting.unshift(...halves(cells));
  }
  return { ranges, requests, note: '' };
}

function cellsPoint(unit: number, table: Table, { from, to }: CellRange): Point {
  const count = to - from + 1;
  const address = { [table]: from };
  return isBitTable(table)
    ? scanPoint(unit, 'range', { address, count }, 'boolean')
    : scanPoint(unit, 'range', { address, length: count }, 'bytes');
}

/** Exceptions 2 and 3, and 4 of devices that take it for the same. */
function isRefused(status: string | undefined): boolean {
  return status === 'BadOutOfRange' || status === 'BadInvalidArgument' || status === 'BadDeviceFailure';
}

function halves({ from, to }: CellRange): readonly CellRange[] {
  const middle = from + Math.floor((to - from) / 2);
  return [
    { from, to: middle },
    { from: middle + 1, to },
  ];
}

function append(ranges: CellRange[], { from, to }: CellRange): void {
  const last = ranges.at(-1);
  if (last !== undefined && last.to + 1 === from) ranges[ranges.length - 1] = { from: last.from, to };
  else ranges.push({ from, to });
}
