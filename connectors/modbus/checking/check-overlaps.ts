import type { Remark } from '../../../src/model/declaration.ts';
import { devicePoints, type ModbusPlan } from '../mapping/plan.ts';
import { type PlacedPoint, placePoint } from '../planning/read-items.ts';

/** Points that share registers: harmless where both only read the same thing, an error where both write. */
export function checkOverlaps(plan: ModbusPlan): readonly Remark[] {
  const byUnit = Map.groupBy(plan.devices, ({ settings }) => settings.unit);
  return [...byUnit.values()].flatMap((devices) => {
    const places = devices.flatMap((device) => devicePoints(device).map((point) => placePoint(point, device.settings)));
    return [...Map.groupBy(places, ({ table }) => table).values()].flatMap(checkTable);
  });
}

function checkTable(places: readonly PlacedPoint[]): readonly Remark[] {
  const sorted = places.toSorted((a, b) => startOf(a) - startOf(b));
  return sorted.flatMap((place, index) => {
    const end = startOf(place) + place.layout.valueSize;
    const others = [];
    for (const other of sorted.slice(index + 1, index + 1 + MAX_NEIGHBOURS)) {
      if (startOf(other) >= end) break;
      others.push(other);
    }
    return others.flatMap((other) => checkPair(place, other) ?? []);
  });
}

/** Of the value itself; an exponent beside it is anybody's. */
function startOf({ address, layout }: PlacedPoint): number {
  return address + layout.valueAt;
}

/** So many points that begin within one value are enough to complain about. */
const MAX_NEIGHBOURS = 32;

function checkPair(first: PlacedPoint, second: PlacedPoint): Remark | undefined {
  if (areOtherBits(first, second)) return undefined;
  const where = { device: second.point.device, point: second.point.name, key: 'address' };
  const what = `the same ${first.table === 'coil' || first.table === 'discrete' ? first.table : 'registers'} as ${first.point.id}`;
  if (first.point.access !== 'read' && second.point.access !== 'read') {
    return { severity: 'error', ...where, message: `writes ${what}`, hint: 'give each register one point that writes it' };
  }
  if (isSameOrPart(first, second) || first.point.device !== second.point.device) return undefined;
  const types = `${second.layout.type} and ${first.layout.type}`;
  return { severity: 'warning', ...where, message: `${what}, as ${types}`, hint: 'check address and type of both' };
}

function areOtherBits(first: PlacedPoint, second: PlacedPoint): boolean {
  const [a, b] = [first.layout.bits, second.layout.bits].map((bits) =>
    typeof bits === 'number' ? ([bits, bits] as const) : bits,
  );
  return a !== undefined && b !== undefined && (a[1] < b[0] || b[1] < a[0]);
}

/** The same value under two names, or a part of a word that is also read as a whole: wanted. */
function isSameOrPart(first: PlacedPoint, second: PlacedPoint): boolean {
  const isSame =
    startOf(first) === startOf(second) &&
    first.layout.type === second.layout.type &&
    first.layout.valueSize === second.layout.valueSize;
  return isSame || first.layout.isPart || second.layout.isPart;
}
