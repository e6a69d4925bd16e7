import type { DevicePlan } from '../model/plan.ts';
import type { Takes } from './gateway-schema.ts';
import type { Scope } from './inspect.ts';
import type { HubChoice } from './mapping-schema.ts';
import { didYouMean, listWords } from './suggest.ts';
import { get, locate, type MapTree } from './tree.ts';

type Routes = DevicePlan['hubs'];

/** What is known of the hubs when mappings are read. */
export interface HubBook {
  readonly names: readonly string[];
  /** By name, of those that say what they take. */
  readonly takes: ReadonlyMap<string, Takes>;
  /** Of the gateway. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Where the messages of one device of a mapping go; `undefined` and problems. */
export type RouteDevice = (device: Pick<DevicePlan, 'twin' | 'labels'>, tree: MapTree) => Routes | undefined;

/** The hubs of a mapping; `book` is `undefined` where any name may be right. */
export function hubRoutes(choice: HubChoice | undefined, tree: MapTree, book: HubBook | undefined, scope: Scope): RouteDevice {
  if (choice === undefined && book !== undefined && book.takes.size > 0) return byWhatHubsTake(book, scope);
  const chosen = choice === undefined ? onlyHub(tree, book?.names, scope) : chosenHubs(choice, tree, book?.names, scope);
  return () => chosen;
}

function chosenHubs(choice: HubChoice, tree: MapTree, names: readonly string[] | undefined, scope: Scope): Routes | undefined {
  const before = scope.problems.errors;
  const check = (one: string | readonly string[] | undefined, path: readonly string[]) =>
    checkHubNames(one, path, { tree, names, scope });
  if (typeof choice === 'string' || Array.isArray(choice)) return sameForAll(check(choice, ['hub']));
  const named = Object.entries(choice).map(([kind, hubs]) => [kind, check(hubs, ['hub', kind])] as const);
  if (scope.problems.errors > before) return undefined;
  const all = [...new Set(named.flatMap(([, hubs]) => hubs))];
  const hub = get(tree, 'hub');
  if (hub?.kind === 'map' && hub.entries.size === 0)
    scope.problems.add({ at: locate(tree, ['hub']).at, message: '`hub` names no hub' });
  return { ...sameForAll(all), ...Object.fromEntries(named) };
}

function byWhatHubsTake({ names, takes, labels }: HubBook, scope: Scope): RouteDevice {
  return (device, tree) => {
    const all = { ...labels, ...device.labels };
    const mine = names.filter((name) => isTaken(device.twin, all, takes.get(name)));
    if (mine.length === 0) {
      const hint = `name one with \`hub\`: ${listWords(names)}`;
      scope.problems.add({ at: tree.head, message: `no hub takes the twin \`${device.twin}\``, hint });
      return undefined;
    }
    const ofKind = (kind: NonNullable<Takes['kinds']>[number]) =>
      mine.filter((name) => takes.get(name)?.kinds?.includes(kind) ?? true);
    return {
      telemetry: ofKind('telemetry'),
      property: ofKind('property'),
      event: ofKind('event'),
      status: ofKind('status'),
      gap: mine,
    };
  };
}

function isTaken(twin: string, labels: Readonly<Record<string, string>>, takes: Takes | undefined): boolean {
  const { twins, labels: wanted = {} } = takes ?? {};
  if (twins !== undefined && !twins.some((pattern) => isLike(twin, pattern))) return false;
  return Object.entries(wanted).every(([name, pattern]) => isLike(labels[name] ?? '', pattern));
}

/** `*` stands for any characters. */
function isLike(text: string, pattern: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(text);
}

function onlyHub(tree: MapTree, names: readonly string[] | undefined, scope: Scope): Routes | undefined {
  if (names === undefined || names.length <= 1) return sameForAll(names ?? []);
  const hint = 'or let the hubs say what they take, with `takes`';
  scope.problems.add({ at: tree.head, message: '`hub` is missing', expected: `one or more of ${listWords(names)}`, hint });
  return undefined;
}

function sameForAll(hubs: readonly string[]): Routes {
  return { telemetry: hubs, property: hubs, event: hubs, gap: hubs, status: hubs };
}

export interface HubPlace {
  readonly tree: MapTree;
  readonly names: readonly string[] | undefined;
  readonly scope: Scope;
}

/** The names of `choice`, each once; a problem for each that is no hub. */
export function checkHubNames(
  choice: string | readonly string[] | undefined,
  path: readonly string[],
  { tree, names: known, scope }: HubPlace,
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
