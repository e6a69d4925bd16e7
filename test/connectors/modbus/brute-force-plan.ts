import type { Range } from '../../../connectors/modbus/planning/read-items.ts';
import type { DataType } from '../../../src/model/data-type.ts';

/** The planner's task solved by trying everything, cell by cell, without any of its ideas. */
export interface Task {
  readonly forbidden: readonly Range[];
  readonly refused: readonly Range[];
  readonly most: number;
  readonly readUnwanted: boolean;
  cost(count: number): number;
}

export interface Sketch {
  readonly address: number;
  readonly type: DataType;
  readonly group: string | undefined;
}

type Cells = ReadonlySet<number>;

const SIZE: Partial<Record<DataType, number>> = { int16: 1, int32: 2, float64: 4 };

export function cheapestByBruteForce(sketches: readonly Sketch[], task: Task): { ms: number; unreadable: number } {
  const units = [...Map.groupBy(sketches, (sketch) => sketch.group ?? sketch).values()].map((members) => ({
    members,
    cells: filled(members.flatMap(({ address, type }) => range(address, address + (SIZE[type] ?? 1)))),
  }));
  const wanted = new Set(units.flatMap(({ cells }) => [...cells]));
  const may = (cells: Cells) => mayBeRead(cells, wanted, task);
  const readable = units.filter(({ cells }) => may(cells));
  const unreadable = units.filter(({ cells }) => !may(cells)).reduce((sum, { members }) => sum + members.length, 0);
  const costs = partitions(readable.map(({ cells }) => cells)).map((windows) => {
    const whole = windows.map((parts) => filled(parts.flatMap((cells) => [...cells])));
    return whole.every(may) ? whole.reduce((sum, cells) => sum + task.cost(cells.size), 0) : Number.POSITIVE_INFINITY;
  });
  return { ms: Math.min(...costs), unreadable };
}

function mayBeRead(cells: Cells, wanted: Cells, { forbidden, refused, most, readUnwanted }: Task): boolean {
  if (cells.size > most) return false;
  if (forbidden.some(({ from, to }) => range(from, to).some((cell) => cells.has(cell)))) return false;
  if (refused.some(({ from, to }) => range(from, to).every((cell) => cells.has(cell)))) return false;
  return readUnwanted || [...cells].every((cell) => wanted.has(cell));
}

/** Every way to share things among any number of heaps. */
function partitions<T>(things: readonly T[]): readonly (readonly (readonly T[])[])[] {
  const [first, ...rest] = things;
  if (first === undefined) return [[]];
  return partitions(rest).flatMap((heaps) => [
    [[first], ...heaps],
    ...heaps.map((heap, index) => heaps.with(index, [first, ...heap])),
  ]);
}

function filled(cells: readonly number[]): Cells {
  return new Set(range(Math.min(...cells), Math.max(...cells) + 1));
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}
