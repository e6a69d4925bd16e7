import type { OperatorDeclaration, Remark } from '../model/declaration.ts';
import type { ConnectionPlan } from '../model/plan.ts';
import type { Connection } from './connection.ts';
import type { Scope } from './inspect.ts';
import type { DevicePlace } from './load-mapping.ts';
import type { Span } from './source-file.ts';
import { locateKey, type MapTree } from './tree.ts';

/** What a connector finds across the devices and points of one connection, at the places in the files. */
export function checkConnection(
  connection: Connection,
  plan: ConnectionPlan,
  {
    operators,
    places,
  }: { readonly operators: readonly OperatorDeclaration[]; readonly places: ReadonlyMap<string, DevicePlace> },
  scope: Scope,
): void {
  for (const remark of [...connection.protocol.check(plan as never), ...checkTypes(connection, plan, operators)]) {
    const { severity, message, hint } = remark;
    scope.problems.add({ at: placeOf(remark, connection, places), severity, message, hint });
  }
}

/** Operators that do not fit what the values of a point consist of. */
function checkTypes(
  { protocol }: Connection,
  { devices }: ConnectionPlan,
  operators: readonly OperatorDeclaration[],
): readonly Remark[] {
  const points = devices.flatMap((device) => device.points).filter(({ point }) => point.address !== undefined);
  return points.flatMap(({ point, keys }) => {
    const type = protocol.typeOf?.(point as never);
    if (type === undefined) return [];
    const remarks = operators.flatMap((operator) => operator.checkType?.(keys, type) ?? []);
    return remarks.map((remark) => ({ ...remark, device: point.device, point: point.name }));
  });
}

function placeOf(
  { device, point, event, method, key }: Remark,
  connection: Connection,
  places: ReadonlyMap<string, DevicePlace>,
): Span {
  const place = device === undefined ? undefined : places.get(device);
  if (place === undefined) return pointAt(connection.tree, key);
  const tree = partOf(place, { point, event, method });
  if (tree !== undefined) return pointAt(tree, key);
  return key === undefined ? place.tree.head : pointAt(place.connection, key);
}

/** The point, event or method that is meant. */
function partOf(place: DevicePlace, { point, event, method }: Parts): MapTree | undefined {
  const part = point === undefined ? undefined : place.points.get(point)?.tree;
  return part ?? place.events.get(event ?? '') ?? place.methods.get(method ?? '');
}

type Parts = { readonly [part in 'point' | 'event' | 'method']: string | undefined };

/** What somebody finds in a whole plan, about a device or a part of it. */
export function addDeviceRemark(remark: Remark, places: ReadonlyMap<string, DevicePlace>, scope: Scope): void {
  const { device = '', point, event, method, key, severity, message, hint } = remark;
  const place = places.get(device);
  if (place === undefined) return;
  scope.problems.add({ at: pointAt(partOf(place, { point, event, method }) ?? place.tree, key), severity, message, hint });
}

function pointAt(tree: MapTree, key: string | undefined): Span {
  return key === undefined ? tree.head : locateKey(tree, key.split('.'));
}
