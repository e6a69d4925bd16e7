import type { DevicePlan } from '../model/plan.ts';
import type { Scope } from './inspect.ts';
import type { HubChoice } from './mapping-schema.ts';
import { didYouMean, listWords } from './suggest.ts';
import { get, locate, type MapTree } from './tree.ts';

type Routes = DevicePlan['hubs'];

/** The hubs of a mapping for each kind of message; `undefined` and problems. `names`: the hubs there are; `undefined`: any may be right. */
export function hubRoutes(
  choice: HubChoice | undefined,
  tree: MapTree,
  names: readonly string[] | undefined,
  scope: Scope,
): Routes | undefined {
  const before = scope.problems.errors;
  if (choice === undefined) return onlyHub(tree, names, scope);
  const check = (one: string | readonly string[] | undefined, path: readonly string[]) =>
    checked(one, path, { tree, names, scope });
  if (typeof choice === 'string' || Array.isArray(choice)) return sameForAll(check(choice, ['hub']));
  const named = Object.entries(choice).map(([kind, hubs]) => [kind, check(hubs, ['hub', kind])] as const);
  if (scope.problems.errors > before) return undefined;
  const all = [...new Set(named.flatMap(([, hubs]) => hubs))];
  const hub = get(tree, 'hub');
  if (hub?.kind === 'map' && hub.entries.size === 0)
    scope.problems.add({ at: locate(tree, ['hub']).at, message: '`hub` names no hub' });
  return { ...sameForAll(all), ...Object.fromEntries(named) };
}

function onlyHub(tree: MapTree, names: readonly string[] | undefined, scope: Scope): Routes | undefined {
  if (names === undefined || names.length <= 1) return sameForAll(names ?? []);
  scope.problems.add({ at: tree.head, message: '`hub` is missing', expected: `one or more of ${listWords(names)}` });
  return undefined;
}

function sameForAll(hubs: readonly string[]): Routes {
  return { telemetry: hubs, property: hubs, event: hubs, gap: hubs, status: hubs };
}

interface Place {
  readonly tree: MapTree;
  readonly names: readonly string[] | undefined;
  readonly scope: Scope;
}

function checked(
  choice: string | readonly string[] | undefined,
  path: readonly string[],
  { tree, names: known, scope }: Place,
): readonly string[] {
  const names = typeof choice === 'string' ? [choice] : (choice ?? []);
  for (const [index, name] of names.entries()) {
    if (known === undefined || known.includes(name)) continue;
    const { at } = locate(tree, typeof choice === 'string' ? path : [...path, index]);
    const expected = known.length === 0 ? 'a hub of gateway.yaml' : `one of ${listWords(known)}`;
    scope.problems.add({ at, message: `there is no hub \`${name}\``, expected, hint: didYouMean(name, known) });
  }
  return [...new Set(names)];
}
