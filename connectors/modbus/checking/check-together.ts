import type { Remark } from '../../../src/model/declaration.ts';
import { isBitTable } from '../mapping/address.ts';
import { devicePoints, type ModbusDevicePlan } from '../mapping/plan.ts';
import type { ModbusDevice } from '../mapping/settings.ts';
import { reachOf } from '../planning/fence.ts';
import {
  describeRange,
  forbiddenRanges,
  type Item,
  maxCells,
  type PlacedPoint,
  placePoint,
  toItem,
} from '../planning/read-items.ts';

/** Values and groups that no request can hold: forbidden cells, two tables, two intervals, more than the device gives. */
export function checkTogether(device: ModbusDevicePlan): readonly Remark[] {
  const places = devicePoints(device).map((point) => placePoint(point, device.settings));
  const forbidden = places.flatMap((place) => findForbidden(place, device.settings));
  if (forbidden.length > 0) return forbidden;
  const groups = Map.groupBy(
    places.filter(({ point }) => point.address.together !== undefined),
    ({ point }) => point.address.together ?? '',
  );
  return [...groups].flatMap(([name, members]) => checkGroup(name, members, device.settings));
}

function findForbidden(place: PlacedPoint, device: ModbusDevice): readonly Remark[] {
  const own = toItem([place]);
  const hit = forbiddenRanges(device).find(({ table, from, to }) => table === own.table && from < own.to && own.from < to);
  if (hit === undefined) return [];
  const message = `${describeRange(own)} lies in what \`doNotRead\` forbids, ${describeRange(hit)}`;
  return [remark(place, 'address', message, 'take the point out, or the range out of `doNotRead`')];
}

function checkGroup(name: string, members: readonly PlacedPoint[], device: ModbusDevice): readonly Remark[] {
  const [first] = members;
  const last = members.at(-1);
  if (first === undefined || last === undefined) return [];
  const problem = findMisfit(first, members) ?? findTooWide(last, members, device);
  if (problem === undefined) return [];
  const message = `the points \`together: ${name}\` cannot be read in one request: ${problem.why}`;
  return [remark(problem.place, 'together', message, problem.hint)];
}

interface Problem {
  readonly place: PlacedPoint;
  readonly why: string;
  readonly hint: string;
}

function findMisfit(first: PlacedPoint, members: readonly PlacedPoint[]): Problem | undefined {
  for (const place of members) {
    if (place.table !== first.table)
      return { place, why: `${first.point.name} is in ${first.table}, ${place.point.name} in ${place.table}`, hint: SEPARATE };
    if (place.point.intervalMs !== first.point.intervalMs) {
      const why = `${first.point.name} is read every ${first.point.intervalMs} ms, ${place.point.name} every ${place.point.intervalMs} ms`;
      return { place, why, hint: 'give them one `interval`' };
    }
  }
  return undefined;
}

const SEPARATE = 'one request reads one table; give them different words';

function findTooWide(place: PlacedPoint, members: readonly PlacedPoint[], device: ModbusDevice): Problem | undefined {
  const item = toItem(members);
  if (item.to <= reachOf([item], { ...device, readUnwanted: true }, undefined)(item.from)) return undefined;
  return { place, ...explainReach(item, device) };
}

function explainReach(item: Item, device: ModbusDevice): Pick<Problem, 'why' | 'hint'> {
  const most = maxCells(item.table, device);
  const unit = isBitTable(item.table) ? 'bits' : 'registers';
  if (item.to - item.from > most) {
    return {
      why: `${describeRange(item)} are ${item.to - item.from} ${unit}, one request holds ${most}`,
      hint: 'only points that lie near each other can be of one instant',
    };
  }
  return {
    why: `\`doNotRead\` forbids cells within ${describeRange(item)}`,
    hint: 'only points with nothing forbidden between them can be of one instant',
  };
}

function remark({ point }: PlacedPoint, key: string, message: string, hint: string): Remark {
  return { severity: 'error', device: point.device, point: point.name, key, message, hint };
}
