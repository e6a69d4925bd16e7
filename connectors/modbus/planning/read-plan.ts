import type { ModbusDevice } from '../mapping/settings.ts';
import { type ReadRequest, readFunction } from '../protocol/request.ts';
import { type Fence, reachOf } from './fence.ts';
import type { ReadCost } from './read-cost.ts';
import { type Item, type PlacedPoint, toItems } from './read-items.ts';

/**
 * Points to the requests that cost the least time together.
 *
 * Requests are windows over the items of a table. Sorted by where they begin, some cheapest plan gives each window a run of
 * neighbours: were an item X in a later window and a Y that begins behind X in an earlier one, Y would end before X does, lie in
 * X's window too, and could be read there for nothing. So the cheapest way to read the items from the i-th on is the cheapest of
 * all windows that begin with the i-th, each with the cheapest way for the rest: exact, from the last item to the first, as long
 * as a wider window never costs less. How far a window that begins at some cell may reach (limits of the device, cells that must
 * not be read, ranges that were refused) depends on that cell alone.
 */
export interface Block {
  readonly request: ReadRequest;
  readonly items: readonly Item[];
  readonly points: readonly PlacedPoint[];
}

export interface ReadPlan {
  readonly blocks: readonly Block[];
  /** What no request can hold: the device refuses it. */
  readonly unreadable: readonly Item[];
}

export interface PlanOptions {
  readonly device: ModbusDevice;
  readonly cost: ReadCost;
  /** What was learnt to be refused. */
  readonly refused?: Fence;
}

export function planReads(points: readonly PlacedPoint[], options: PlanOptions): ReadPlan {
  const tables = [...Map.groupBy(toItems(points), ({ table }) => table).values()];
  const plans = tables.map((items) => planTable(items, options));
  return { blocks: plans.flatMap(({ blocks }) => blocks), unreadable: plans.flatMap(({ unreadable }) => unreadable) };
}

/** Milliseconds for which the connection is busy. */
export function costOf(blocks: readonly Block[], cost: ReadCost): number {
  return blocks.reduce((sum, { items, request }) => sum + cost(items[0]?.table ?? 'holding', request.count), 0);
}

/** The request for items of one table. */
export function toBlock(items: readonly Item[], { unit }: ModbusDevice): Block {
  const address = items[0]?.from ?? 0;
  const count = items.reduce((most, { to }) => Math.max(most, to), 0) - address;
  const request = { function: readFunction(items[0]?.table ?? 'holding'), unit, address, count };
  return { request, items, points: items.flatMap(({ points }) => points) };
}

function planTable(all: readonly Item[], options: PlanOptions): ReadPlan {
  const reach = reachOf(all, options.device, options.refused);
  const items = all.filter((item) => item.to <= reach(item.from));
  const unreadable = all.filter((item) => item.to > reach(item.from));
  const lastOf = cheapestWindows(items, reach, options.cost);
  const blocks: Block[] = [];
  for (let first = 0; first < items.length; first = (lastOf[first] ?? first) + 1)
    blocks.push(toBlock(items.slice(first, (lastOf[first] ?? first) + 1), options.device));
  return { blocks, unreadable };
}

/** Of equal costs, the difference of which is only rounding, the longer window is taken. */
const ROUNDING_MS = 1e-9;

/** For each item the last one of the window that is best begun with it. */
function cheapestWindows(items: readonly Item[], reach: (from: number) => number, cost: ReadCost): readonly number[] {
  const lastOf: number[] = [];
  const restMs: number[] = [];
  restMs[items.length] = 0;
  for (let first = items.length - 1; first >= 0; first -= 1) {
    const { table = 'holding', from = 0 } = items[first] ?? {};
    const mostTo = reach(from);
    let bestMs = Number.POSITIVE_INFINITY;
    let to = from;
    for (let last = first; last < items.length; last += 1) {
      to = Math.max(to, items[last]?.to ?? 0);
      if (to > mostTo) break;
      const allMs = cost(table, to - from) + (restMs[last + 1] ?? 0);
      if (allMs > bestMs + ROUNDING_MS) continue;
      bestMs = allMs;
      lastOf[first] = last;
    }
    restMs[first] = bestMs;
  }
  return lastOf;
}
