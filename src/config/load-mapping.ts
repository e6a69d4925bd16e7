import type { z } from 'zod';
import type { Declarations, ProtocolDeclaration } from '../model/declaration.ts';
import type { DevicePlan, DeviceSettings, PointPlan } from '../model/plan.ts';
import { checkTree } from './check-tree.ts';
import type { Connection, ConnectionBook } from './connection.ts';
import { readDeadMan } from './dead-man.ts';
import { type HubBook, hubRoutes } from './hub-routes.ts';
import { HubTraits } from './hub-traits.ts';
import { addUnknownKey, type Scope } from './inspect.ts';
import { Interner } from './interner.ts';
import type { Hub } from './load-gateway.ts';
import { instanceKeys, mappingKeys } from './mapping-schema.ts';
import { describePlace } from './problem-list.ts';
import { FeatureReader, type Features } from './read-features.ts';
import { namesOf, type PointDraft, PointReader } from './read-points.ts';
import { addNotAMap, getMap } from './sections.ts';
import type { Span } from './source-file.ts';
import { get, locate, type MapTree, merge, pick } from './tree.ts';

/** Where the parts of a device are written; for the remarks of plug-ins. */
export interface DevicePlace {
  /** The mapping, or the instance. */
  readonly tree: MapTree;
  readonly connection: MapTree;
  readonly points: ReadonlyMap<string, Pick<PointDraft, 'tree'>>;
  readonly events: ReadonlyMap<string, MapTree>;
  readonly methods: ReadonlyMap<string, MapTree>;
}

/** What devices of one protocol have in common, read once. */
interface Content extends Features {
  readonly drafts: readonly PointDraft[];
}

const COMPOSED = ['connection', 'defaults', 'instances', 'points', 'events', 'methods'];

const GATEWAY_HINT = 'name the mapping itself; `check` and `run` take gateway.yaml or its directory';

function isGateway({ entries }: MapTree): boolean {
  return entries.has('gateway') && entries.has('hubs') && !entries.has('points') && !entries.has('connection');
}

/** Reads mappings, one after the other, into the devices of a gateway. */
export class MappingReader {
  readonly devices: DevicePlan[] = [];
  readonly places = new Map<string, DevicePlace>();
  readonly #declarations: Declarations;
  readonly #book: ConnectionBook;
  readonly #scope: Scope;
  readonly #interner = new Interner();
  /** `undefined`: no gateway.yaml or no hub in it, so any name may be right. */
  readonly #hubs: HubBook | undefined;
  readonly #twins = new Map<string, Span>();

  readonly traits: HubTraits;

  constructor(declarations: Declarations, book: ConnectionBook, hubs: HubBook | undefined, known: readonly Hub[], scope: Scope) {
    this.#declarations = declarations;
    this.#book = book;
    this.#hubs = hubs;
    this.traits = new HubTraits(known);
    this.#scope = scope;
  }

  read(tree: MapTree): void {
    if (isGateway(tree)) {
      this.#scope.problems.add({ at: tree.head, message: 'this is a gateway.yaml, and a mapping is wanted', hint: GATEWAY_HINT });
      return;
    }
    const known = [...Object.keys(mappingKeys.shape), ...COMPOSED];
    for (const [key, entry] of tree.entries)
      if (!known.includes(key)) addUnknownKey(key, entry, known, tree, this.#scope.problems);
    const own = pick(tree, (key) => Object.hasOwn(mappingKeys.shape, key));
    const keys = checkTree(mappingKeys, own, this.#scope);
    const points = this.#pointsOf(tree);
    const defaults = getMap(tree, 'defaults', 'a map of point keys', this.#scope);
    const route = keys === undefined ? undefined : hubRoutes(keys.hub, tree, this.#hubs, this.#scope);
    const contents = new Map<ProtocolDeclaration, Content>();
    for (const instance of this.#instancesOf(tree)) {
      const connection = this.#connectionOf(tree, instance);
      const protocol = connection && this.#book.protocolOf(connection);
      if (connection === undefined || protocol === undefined) continue;
      const content = contents.get(protocol) ?? this.#readContent(protocol, tree, points, defaults);
      contents.set(protocol, content);
      const identity = keys === undefined ? undefined : this.#identify(tree, instance, keys);
      const attachment = this.#book.attach(connection);
      const hubs = identity === undefined ? undefined : route?.(identity, instance);
      if (attachment === undefined || identity === undefined || keys === undefined || hubs === undefined) continue;
      this.#addDevice({ mapping: tree, instance, identity, keys, hubs, content, connectionTree: connection, ...attachment });
    }
  }

  #readContent(
    protocol: ProtocolDeclaration,
    tree: MapTree,
    points: MapTree | undefined,
    defaults: MapTree | undefined,
  ): Content {
    const names = points === undefined ? [] : namesOf(points, protocol.pattern);
    const features = new FeatureReader(protocol, this.#declarations.protocols, names, this.#scope).read(tree);
    const drafts =
      points === undefined
        ? []
        : new PointReader(protocol, this.#declarations, this.#interner, this.#scope).read(points, defaults);
    return { ...features, drafts };
  }

  #pointsOf(tree: MapTree): MapTree | undefined {
    const points = getMap(tree, 'points', 'points by name', this.#scope);
    if (points !== undefined && points.entries.size > 0) return points;
    if (points === undefined && ['points', 'events', 'methods'].some((key) => tree.entries.has(key))) return undefined;
    if (this.#scope.problems.isMisspelt(tree.head, 'points')) return undefined;
    const hint = 'e.g. points: { oilTemperature: { address: …, type: float32 } }';
    this.#scope.problems.add({ at: points?.head ?? tree.head, message: 'the mapping has no points', hint });
    return undefined;
  }

  /** The mapping itself, or each of its instances. */
  #instancesOf(tree: MapTree): readonly MapTree[] {
    const list = get(tree, 'instances');
    if (list === undefined) return [tree];
    if (list.kind !== 'list' || list.items.length === 0) {
      const message = 'wrong value for `instances`';
      this.#scope.problems.add({
        at: list.span,
        message,
        expected: 'a list of maps, e.g. `- { twin: press-08, connection: { unit: 4 } }`',
      });
      return [];
    }
    const twin = tree.entries.get('twin');
    if (twin !== undefined) {
      this.#scope.problems.add({ at: twin.key, message: '`twin` stands here and in the instances', hint: 'remove it here' });
    }
    return list.items.flatMap((item, index) => {
      if (item.kind === 'map') return [item];
      addNotAMap(
        item,
        `entry ${index + 1} of instances`,
        'a map, e.g. `{ twin: press-08, connection: { unit: 4 } }`',
        this.#scope,
      );
      return [];
    });
  }

  #connectionOf(tree: MapTree, instance: MapTree): MapTree | undefined {
    const base = getMap(tree, 'connection', CONNECTION, this.#scope);
    const own = instance === tree ? undefined : getMap(instance, 'connection', CONNECTION, this.#scope);
    const connection = own === undefined ? base : merge(base, own);
    if (connection === undefined && get(tree, 'connection') === undefined) {
      this.#scope.problems.add({ at: instance.head, message: '`connection` is missing', expected: CONNECTION });
    }
    return connection;
  }

  #addDevice(parts: DeviceParts): void {
    const { instance, identity, keys, connection } = parts;
    const { drafts, events, methods } = parts.content;
    if (!this.#isNewTwin(identity.twin, instance)) return;
    const plansOf = (isPattern: boolean) =>
      drafts.filter((draft) => draft.isPattern === isPattern).map((draft) => toPointPlan(identity.twin, draft));
    const patterns = plansOf(true);
    const deadMan = readDeadMan(keys.deadMan, {
      tree: parts.mapping,
      drafts,
      routes: parts.hubs,
      hubNames: this.#hubs?.names,
      scope: this.#scope,
    });
    const device: DevicePlan = {
      ...identity,
      connection: connection.name,
      settings: parts.settings,
      points: plansOf(false),
      ...(patterns.length === 0 ? {} : { patterns }),
      ...(events.length === 0 ? {} : { events: events.map(({ plan }) => plan) }),
      ...(methods.length === 0 ? {} : { methods: methods.map(({ plan }) => plan) }),
      ...(keys.cloudMayChange === undefined ? {} : { cloudMayChange: deviceSettings(keys.cloudMayChange) }),
      ...(deadMan === undefined ? {} : { deadMan }),
      hubs: this.traits.routesOf(identity.twin, parts.hubs),
      message: { maxBytes: keys.message.maxBytes ?? this.traits.messageBytes(parts.hubs), maxAgeMs: keys.message.maxAge },
    };
    connection.devices.push(device);
    this.devices.push(device);
    this.places.set(identity.twin, {
      tree: instance,
      connection: parts.connectionTree,
      points: new Map(drafts.map((draft) => [draft.name, draft])),
      events: treesOf(events),
      methods: treesOf(methods),
    });
  }

  #identify(tree: MapTree, instance: MapTree, keys: MappingKeys): DeviceParts['identity'] | undefined {
    if (instance !== tree) return this.#identifyInstance(instance, keys);
    if (keys.twin !== undefined)
      return { twin: keys.twin, labels: keys.labels, ...(keys.model === undefined ? {} : { model: keys.model }) };
    if (this.#scope.problems.isMisspelt(tree.head, 'twin')) return undefined;
    this.#scope.problems.add({
      at: tree.head,
      message: '`twin` is missing',
      expected: 'the name of the device',
      hint: 'e.g. twin: press-07',
    });
    return undefined;
  }

  #identifyInstance(instance: MapTree, keys: MappingKeys) {
    const names = Object.keys(instanceKeys.shape);
    for (const [key, entry] of instance.entries) {
      if (key !== 'connection' && !names.includes(key))
        addUnknownKey(key, entry, [...names, 'connection'], instance, this.#scope.problems);
    }
    const own = checkTree(
      instanceKeys,
      pick(instance, (key) => names.includes(key)),
      this.#scope,
    );
    if (own === undefined) return undefined;
    const model = own.model ?? keys.model;
    return { twin: own.twin, labels: { ...keys.labels, ...own.labels }, ...(model === undefined ? {} : { model }) };
  }

  #isNewTwin(twin: string, instance: MapTree): boolean {
    const { at } = locate(instance, ['twin']);
    const first = this.#twins.get(twin);
    this.#twins.set(twin, first ?? at);
    if (first === undefined) return true;
    const hint = `the first one is at ${describePlace(first)}`;
    this.#scope.problems.add({ at, code: 'CONFIG_DUPLICATE', message: `there is another twin \`${twin}\``, hint });
    return false;
  }
}

const CONNECTION = '`protocol` and the keys of the endpoint, or `name` of a connection in gateway.yaml';

type MappingKeys = z.output<typeof mappingKeys>;

function deviceSettings({ interval, deadband }: NonNullable<MappingKeys['cloudMayChange']>): DeviceSettings {
  return {
    ...(interval === undefined ? {} : { interval: { minMs: interval.min, maxMs: interval.max } }),
    ...(deadband === undefined ? {} : { deadband }),
  };
}

interface DeviceParts {
  readonly mapping: MapTree;
  readonly instance: MapTree;
  readonly identity: Pick<DevicePlan, 'twin' | 'model' | 'labels'>;
  readonly keys: MappingKeys;
  readonly hubs: DevicePlan['hubs'];
  readonly content: Content;
  readonly connection: Connection;
  readonly settings: unknown;
  readonly connectionTree: MapTree;
}

function treesOf(features: Features[keyof Features]): ReadonlyMap<string, MapTree> {
  return new Map(features.map(({ plan, tree }) => [plan.name, tree]));
}

function toPointPlan(device: string, { name, common, address, keys, write }: PointDraft): PointPlan {
  const { type, unit, description, as: kind, interval: intervalMs } = common;
  const point = {
    // Joined, not written as a template: that would keep a string of two parts beside the one of the whole.
    id: [device, name].join('/'),
    device,
    name,
    address,
    access: write === undefined ? ('read' as const) : ('read-write' as const),
    kind,
    intervalMs,
    ...(type === undefined ? {} : { type }),
    ...(unit === undefined ? {} : { unit }),
  };
  return {
    ...{ point, keys },
    ...(write === undefined ? {} : { write }),
    ...(description === undefined ? {} : { description }),
  };
}
