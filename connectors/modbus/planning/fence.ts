import type { ModbusDevice } from '../mapping/settings.ts';
import { forbiddenRanges, type Item, maxCells, type Range } from './read-items.ts';

/** Ranges of one unit that no request may hold whole. */
export interface Fence {
  ranges(table: Range['table']): readonly Range[];
}

type Reach = (from: number) => number;

/** How far (exclusive) a request that begins at a cell may reach. `items`: all that is wanted of one table. */
export function reachOf(items: readonly Item[], device: ModbusDevice, refused: Fence | undefined): Reach {
  const table = items[0]?.table ?? 'holding';
  const most = maxCells(table, device);
  const limits = [
    untilForbidden(forbiddenRanges(device).filter((range) => range.table === table)),
    untilRefused(refused?.ranges(table) ?? []),
    ...(device.readUnwanted ? [] : [untilUnwanted(items)]),
  ];
  return (from) => limits.reduce((least, limit) => Math.min(least, limit(from)), from + most);
}

/** No cell of the ranges is read, in whatever company. */
function untilForbidden(ranges: readonly Range[]): Reach {
  return (from) =>
    ranges.reduce(
      (least, { from: first, to }) => (to <= from ? least : Math.min(least, Math.max(first, from))),
      Number.POSITIVE_INFINITY,
    );
}

/** A range that was refused may be read in part: one of its cells is the guilty one. */
function untilRefused(ranges: readonly Range[]): Reach {
  return (from) =>
    ranges.reduce((least, range) => (range.from < from ? least : Math.min(least, range.to - 1)), Number.POSITIVE_INFINITY);
}

/** To the end of the wanted cells that lie side by side. */
function untilUnwanted(items: readonly Item[]): Reach {
  const runs: { readonly from: number; to: number }[] = [];
  for (const { from, to } of items) {
    const run = runs.at(-1);
    if (run !== undefined && from <= run.to) run.to = Math.max(run.to, to);
    else runs.push({ from, to });
  }
  return (from) => runs.find((run) => from < run.to)?.to ?? from;
}
