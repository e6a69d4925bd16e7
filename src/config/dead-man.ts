import type { DeadManPlan, DevicePlan } from '../model/plan.ts';
import type { Scalar } from '../model/value.ts';
import { checkHubNames } from './hub-routes.ts';
import type { Scope } from './inspect.ts';
import type { DeadManKeys } from './mapping-schema.ts';
import type { PointDraft } from './read-points.ts';
import { didYouMean } from './suggest.ts';
import { locate, locateKey, type MapTree } from './tree.ts';

export interface DeadManPlace {
  readonly tree: MapTree;
  readonly drafts: readonly PointDraft[];
  readonly routes: DevicePlan['hubs'];
  /** The hubs there are; `undefined`: any may be right. */
  readonly hubNames: readonly string[] | undefined;
  readonly scope: Scope;
}

/** The rule of a mapping, its points and values checked: it has to work on the day that nobody can look. */
export function readDeadMan(keys: DeadManKeys | undefined, place: DeadManPlace): DeadManPlan | undefined {
  if (keys === undefined) return undefined;
  const { tree, routes, hubNames, scope } = place;
  const named = checkHubNames(keys.hub, ['deadMan', 'hub'], { tree, names: hubNames, scope });
  for (const [name, value] of Object.entries(keys.write)) checkValue(name, value, place);
  return { hubs: keys.hub === undefined ? routes.gap : named, afterMs: keys.after, write: keys.write };
}

function checkValue(name: string, value: Scalar, { tree, drafts, scope }: DeadManPlace): void {
  const path = ['deadMan', 'write', name];
  const draft = drafts.find((each) => each.name === name && !each.isPattern);
  if (draft === undefined) {
    // A point that is there and wrong was told already.
    if (locate(tree, ['points', name]).tree !== undefined) return;
    const hint = didYouMean(
      name,
      drafts.map((each) => each.name),
    );
    scope.problems.add({ at: locateKey(tree, path), message: `there is no point \`${name}\``, hint });
  } else if (draft.write === undefined) {
    scope.problems.add({
      at: locateKey(tree, path),
      message: `\`${name}\` has no \`write:\``,
      hint: 'nothing may be written to it',
    });
  } else {
    const fault = faultOf(value, draft.write);
    if (fault !== undefined)
      scope.problems.add({ at: locate(tree, path).at, message: `${value} is not let by \`write:\`: ${fault}` });
  }
}

function faultOf(value: Scalar, { min, max, values }: NonNullable<PointDraft['write']>): string | undefined {
  if (values !== undefined && !values.includes(value)) return `it lets ${values.join(', ')}`;
  if (min !== undefined && !(Number(value) >= min)) return `it lets ${min} and more`;
  if (max !== undefined && !(Number(value) <= max)) return `it lets ${max} and less`;
  return undefined;
}
