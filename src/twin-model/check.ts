import type { Remark } from '../model/declaration.ts';
import type { DevicePlan } from '../model/plan.ts';
import type { PointDescription } from '../model/point-description.ts';

/** What keeps a model from being complete, at the places of the mapping. `needsId`: an interface of DTDL has one. */
export function checkModel(device: DevicePlan, points: readonly PointDescription[], needsId = true): readonly Remark[] {
  const { twin, model, patterns = [] } = device;
  const remarks: Remark[] = points.flatMap((point) => checkPoint(twin, point));
  if (model === undefined && needsId) {
    const message = '`model` is missing: an interface has an id';
    remarks.push({ severity: 'error', device: twin, message, hint: 'e.g. model: dtmi:com:acme:Press;1' });
  }
  for (const { point } of patterns) {
    const message = `the points that \`${point.name}\` stands for are known to the device only, and left out`;
    remarks.push({ severity: 'warning', device: twin, point: point.name, message });
  }
  return [...remarks, ...checkNames(device, points)];
}

function checkPoint(device: string, { name, type, kind, write }: PointDescription): readonly Remark[] {
  const where = { severity: 'warning', device, point: name } as const;
  const remarks: Remark[] = [];
  if (type === undefined) {
    const message = `only the device knows the type of \`${name}\`; a number is assumed`;
    remarks.push({ ...where, message, hint: 'write its `type`' });
  }
  if (kind === 'telemetry' && write !== undefined) {
    const message = `\`${name}\` can be written, but telemetry has no way to say so`;
    remarks.push({ ...where, key: 'write', message, hint: 'say `as: property`' });
  }
  return remarks;
}

/** In a model points, events and methods have their names in common. */
function checkNames({ twin, events = [], methods = [] }: DevicePlan, points: readonly PointDescription[]): readonly Remark[] {
  const taken = new Set(points.map(({ name }) => name));
  const all = [
    ...events.map(({ name }) => ({ name, place: { event: name } })),
    ...methods.map(({ name }) => ({ name, place: { method: name } })),
  ];
  return all.flatMap(({ name, place }): readonly Remark[] => {
    if (!taken.has(name)) {
      taken.add(name);
      return [];
    }
    const message = `\`${name}\` is also the name of something else; in a model each name stands once`;
    return [{ severity: 'error', device: twin, ...place, message, hint: 'rename one of them' }];
  });
}
