import type { z } from 'zod';
import type { ProtocolDeclaration } from '../model/declaration.ts';
import type { EventPlan, MethodPlan } from '../model/plan.ts';
import { checkTree } from './check-tree.ts';
import { eventKeys, methodKeys } from './feature-schema.ts';
import { addUnknownKey, type Scope } from './inspect.ts';
import { precautionsOf } from './mapping-schema.ts';
import { isPointName, POINT_NAME_RULE } from './names.ts';
import { addNotAMap, getMap } from './sections.ts';
import { listWords } from './suggest.ts';
import { type Entry, locateKey, type MapTree, pick } from './tree.ts';
import { dropUndefined, findLimits } from './write-rule.ts';

/** What a mapping lists beside its points: what the device tells by itself, and what may be called. */
export type FeatureKind = 'events' | 'methods';

export interface Feature<Plan> {
  readonly plan: Plan;
  readonly tree: MapTree;
}

export interface Features {
  readonly events: readonly Feature<EventPlan>[];
  readonly methods: readonly Feature<MethodPlan>[];
}

interface Section<Common extends z.ZodObject> {
  readonly kind: FeatureKind;
  readonly common: Common;
  /** The protocol's own keys. */
  readonly own: z.ZodObject;
}

/** Reads the `events` and `methods` of mappings of one protocol. */
export class FeatureReader {
  readonly #protocol: ProtocolDeclaration;
  readonly #protocols: readonly ProtocolDeclaration[];
  readonly #points: readonly string[];
  readonly #scope: Scope;

  /** `points`: their names in the mapping. */
  constructor(protocol: ProtocolDeclaration, protocols: readonly ProtocolDeclaration[], points: readonly string[], scope: Scope) {
    this.#protocol = protocol;
    this.#protocols = protocols;
    this.#points = points;
    this.#scope = scope;
  }

  read(tree: MapTree): Features {
    const { event, method } = this.#protocol;
    const events = this.#read(tree, { kind: 'events', common: eventKeys, own: event }, ({ name, settings }) => ({
      name,
      settings,
    }));
    const methods = this.#read(tree, { kind: 'methods', common: methodKeys, own: method }, (parts) => this.#method(parts));
    return { events, methods };
  }

  #read<Common extends z.ZodObject, Plan>(
    tree: MapTree,
    { own, ...section }: Omit<Section<Common>, 'own'> & { readonly own: z.ZodObject | undefined },
    toPlan: (parts: Parts<Common>) => Plan,
  ): readonly Feature<Plan>[] {
    if (own === undefined) {
      this.#refuse(tree, section.kind);
      return [];
    }
    const entries = getMap(tree, section.kind, `${section.kind} by name`, this.#scope)?.entries ?? new Map<string, Entry>();
    return [...entries].flatMap(([name, entry]) => this.#readOne(name, entry, { ...section, own }, toPlan) ?? []);
  }

  #refuse(tree: MapTree, kind: FeatureKind): void {
    if (!tree.entries.has(kind)) return;
    const knowing = this.#protocols.filter((each) => each[OWN[kind]] !== undefined).map(({ protocol }) => protocol);
    const hint = knowing.length === 0 ? 'remove it' : `they are known by ${listWords(knowing)}`;
    const message = `\`${kind}\` have no meaning for \`${this.#protocol.protocol}\``;
    this.#scope.problems.add({ at: locateKey(tree, [kind]), message, hint });
  }

  #readOne<Common extends z.ZodObject, Plan>(
    name: string,
    { key: at, value: tree }: Entry,
    { kind, common, own }: Section<Common>,
    toPlan: (parts: Parts<Common>) => Plan,
  ): Feature<Plan> | undefined {
    const { problems } = this.#scope;
    if (!isPointName(name)) {
      problems.add({ at, message: `\`${name.slice(0, 60)}\` cannot be a name in \`${kind}\``, expected: POINT_NAME_RULE });
    }
    if (this.#points.includes(name)) {
      const hint = 'the names of points, events and methods of a twin differ; rename one of them';
      problems.add({ at, code: 'CONFIG_DUPLICATE', message: `\`${name}\` is also the name of a point`, hint });
    }
    if (tree.kind !== 'map') {
      addNotAMap(tree, name, 'a map of keys', this.#scope);
      return undefined;
    }
    const known = [...Object.keys(own.shape), ...Object.keys(common.shape)];
    for (const [key, entry] of tree.entries) if (!known.includes(key)) addUnknownKey(key, entry, known, tree, problems);
    const keys = checkTree(common, pickKeys(tree, common), this.#scope) as z.output<Common> | undefined;
    const settings = checkTree(own, pickKeys(tree, own), this.#scope);
    if (keys === undefined || settings === undefined) return undefined;
    return { plan: toPlan({ name, keys, settings, tree }), tree };
  }

  #method({ name, keys, settings, tree }: Parts<typeof methodKeys>): MethodPlan {
    const { arguments: given, atMostEvery: atMostEveryMs, onlyIf, maxAge } = keys;
    const precautions = { atMostEveryMs, onlyIf, ...precautionsOf(keys) };
    for (const finding of findLimits({ onlyIf, maxAge }, tree, [], this.#points)) this.#scope.problems.add(finding);
    const all = Object.entries(given).map(([argument, { array: isArray, type, description: _, ...limits }]) => {
      const path = ['arguments', argument];
      const rule = type === 'structure' ? limits : { ...limits, type };
      this.#checkArgumentName(argument, tree);
      for (const finding of findLimits(rule, tree, path, this.#points)) this.#scope.problems.add(finding);
      return { name: argument, type, isArray, ...dropUndefined(limits) };
    });
    return { name, settings, arguments: all, ...dropUndefined(precautions) };
  }

  #checkArgumentName(name: string, tree: MapTree): void {
    if (isPointName(name)) return;
    const message = `\`${name.slice(0, 60)}\` cannot be the name of an argument`;
    this.#scope.problems.add({ at: locateKey(tree, ['arguments', name]), message, expected: POINT_NAME_RULE });
  }
}

const OWN = { events: 'event', methods: 'method' } as const;

interface Parts<Common extends z.ZodObject> {
  readonly name: string;
  readonly keys: z.output<Common>;
  readonly settings: unknown;
  readonly tree: MapTree;
}

function pickKeys(tree: MapTree, schema: z.ZodObject): MapTree {
  return pick(tree, (key) => Object.hasOwn(schema.shape, key));
}
