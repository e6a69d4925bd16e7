import type { z } from 'zod';
import type { Declarations, DialectDeclaration } from '../model/declaration.ts';
import type { DrainPlan } from '../model/plan.ts';
import { checkTree } from './check-tree.ts';
import { CONNECTIONS, type GatewayKeys, gatewayKeys, HUBS, hubKeys, type Takes } from './gateway-schema.ts';
import { addUnknownKey, type Scope } from './inspect.ts';
import { isIdentifier } from './names.ts';
import { addNotAMap, addRemark, getMap, readWord } from './sections.ts';
import { get, type MapTree, pick } from './tree.ts';

/** What `gateway.yaml` says, as far as it could be understood. */
export interface GatewayFile {
  readonly tree: MapTree;
  readonly keys?: GatewayKeys;
  /** Every name, also of hubs that are wrong: mappings that refer to them are not to blame. */
  readonly hubNames: readonly string[];
  readonly hubs: readonly Hub[];
  /** The entries below `connections`. */
  readonly connections: readonly NamedMap[];
}

/** A hub with where it is written. */
export interface Hub extends NamedMap {
  readonly declaration: DialectDeclaration;
  readonly settings: unknown;
  readonly drain: DrainPlan;
  readonly takes?: Takes;
}

export interface NamedMap {
  readonly name: string;
  readonly tree: MapTree;
}

export function readGateway(tree: MapTree, declarations: Declarations, scope: Scope): GatewayFile {
  if (isMapping(tree)) return refuseMapping(tree, scope);
  const known = [...Object.keys(gatewayKeys.shape), 'hubs', 'connections'];
  for (const [key, entry] of tree.entries) if (!known.includes(key)) addUnknownKey(key, entry, known, tree, scope.problems);
  const own = pick(tree, (key) => Object.hasOwn(gatewayKeys.shape, key));
  const keys = checkTree(gatewayKeys, own, scope);
  const hubs = namedMaps(tree, 'hubs', HUBS, scope);
  if (hubs.length === 0) addNoHub(tree, scope);
  return {
    tree,
    ...(keys === undefined ? {} : { keys }),
    hubNames: hubs.map(({ name }) => name),
    hubs: hubs.flatMap((hub) => readHub(hub, declarations.dialects, scope) ?? []),
    connections: namedMaps(tree, 'connections', CONNECTIONS, scope),
  };
}

function isMapping({ entries }: MapTree): boolean {
  return !entries.has('gateway') && !entries.has('hubs') && entries.has('points') && entries.has('connection');
}

function refuseMapping(tree: MapTree, scope: Scope): GatewayFile {
  const hint = 'put it beside a gateway.yaml that lists it under `mappings:`';
  scope.problems.add({ at: tree.head, message: 'this is a mapping, and gateway.yaml is wanted', hint });
  return { tree, hubNames: [], hubs: [], connections: [] };
}

function addNoHub(tree: MapTree, scope: Scope): void {
  const hubs = get(tree, 'hubs');
  if (hubs !== undefined && hubs.kind !== 'map') return;
  const hint = 'e.g. hubs: { cloud: { dialect: mqtt, url: "mqtts://broker.example:8883" } }';
  scope.problems.add({ at: hubs?.head ?? tree.head, message: 'no hub is configured', expected: '`hubs`: clouds by name', hint });
}

function namedMaps(tree: MapTree, key: string, expected: string, scope: Scope): readonly NamedMap[] {
  const section = getMap(tree, key, expected, scope);
  return [...(section?.entries ?? [])].flatMap(([name, entry]) => {
    const rule = 'letters, digits, `-`, `_` and `.`, a letter or digit first, at most 128 characters';
    if (!isIdentifier(name)) scope.problems.add({ at: entry.key, message: `\`${name}\` cannot be a name`, expected: rule });
    if (entry.value.kind === 'map') return [{ name, tree: entry.value }];
    addNotAMap(entry.value, name, 'a map of keys', scope);
    return [];
  });
}

function readHub({ name, tree }: NamedMap, dialects: readonly DialectDeclaration[], scope: Scope): Hub | undefined {
  const words = dialects.map(({ dialect }) => dialect);
  const word = readWord(tree, 'dialect', words, scope);
  const declaration = dialects.find(({ dialect }) => dialect === word);
  if (declaration === undefined) return undefined;
  const isCommon = (key: string) => Object.hasOwn(hubKeys.shape, key);
  const common = checkTree(
    hubKeys,
    pick(tree, (key) => isCommon(key)),
    scope,
  );
  const own = pick(tree, (key) => key !== 'dialect' && !isCommon(key));
  const settings = checkTree(declaration.settings, own, scope);
  if (settings === undefined || common === undefined) return undefined;
  const { takes } = common;
  return { name, tree: own, declaration, settings, drain: toDrain(common), ...(takes === undefined ? {} : { takes }) };
}

function toDrain({ drain: order, historyPerSecond }: z.output<typeof hubKeys>): DrainPlan {
  return { order, ...(historyPerSecond === undefined ? {} : { historyPerSecond }) };
}

/** What the dialect finds across the keys of a hub, once the labels of all twins are known. */
export function checkHub({ declaration, settings, tree }: Hub, labels: readonly string[], scope: Scope): void {
  for (const remark of declaration.check?.(settings as never, labels) ?? []) addRemark(remark, tree, scope);
}
