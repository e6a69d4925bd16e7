import type { z } from 'zod';
import type { Declarations, ProtocolDeclaration } from '../model/declaration.ts';
import type { DevicePlan, PointPlan } from '../model/plan.ts';
import type { MessageKind } from '../model/twin-message.ts';
import { checkTree } from './check-tree.ts';
import type { Connection, ConnectionBook } from './connection.ts';
import { addUnknownKey, type Scope } from './inspect.ts';
import { type HubChoice, instanceKeys, mappingKeys } from './mapping-schema.ts';
import { describePlace } from './problem-list.ts';
import { type PointDraft, PointReader } from './read-points.ts';
import { addNotAMap, getMap } from './sections.ts';
import type { Span } from './source-file.ts';
import { didYouMean, listWords } from './suggest.ts';
import { get, locate, type MapTree, merge, pick } from './tree.ts';

/** Where the parts of a device are written; for the remarks of plug-ins. */
export interface DevicePlace {
  /** The mapping, or the instance. */
  readonly tree: MapTree;
  readonly connection: MapTree;
  readonly points: ReadonlyMap<string, PointDraft>;
}

const COMPOSED = ['connection', 'defaults', 'instances', 'points'];

/** Reads mappings, one after the other, into the devices of a gateway. */
export class MappingReader {
  readonly devices: DevicePlan[] = [];
  readonly places = new Map<string, DevicePlace>();
  readonly #declarations: Declarations;
  readonly #book: ConnectionBook;
  readonly #scope: Scope;
  /** `undefined`: no gateway.yaml or no hub in it, so any name may be right. */
  readonly #hubNames: readonly string[] | undefined;
  readonly #twins = new Map<string, Span>();

  constructor(declarations: Declarations, book: ConnectionBook, hubNames: readonly string[] | undefined, scope: Scope) {
    this.#declarations = declarations;
    this.#book = book;
    this.#hubNames = hubNames;
    this.#scope = scope;
  }

  read(tree: MapTree): void {
    const known = [...Object.keys(mappingKeys.shape), ...COMPOSED];
    for (const [key, entry] of tree.entries)
      if (!known.includes(key)) addUnknownKey(key, entry, known, tree, this.#scope.problems);
    const own = pick(tree, (key) => Object.hasOwn(mappingKeys.shape, key));
    const keys = checkTree(mappingKeys, own, this.#scope);
    const points = this.#pointsOf(tree);
    const defaults = getMap(tree, 'defaults', 'a map of point keys', this.#scope);
    const hubs = keys === undefined ? undefined : this.#routes(keys.hub, tree);
    const readers = new Map<ProtocolDeclaration, readonly PointDraft[]>();
    for (const instance of this.#instancesOf(tree)) {
      const connection = this.#connectionOf(tree, instance);
      const protocol = connection && this.#book.protocolOf(connection);
      if (connection === undefined || protocol === undefined) continue;
      const drafts = readers.get(protocol) ?? this.#readPoints(protocol, points, defaults);
      readers.set(protocol, drafts);
      const identity = keys === undefined ? undefined : this.#identify(tree, instance, keys);
      const attachment = this.#book.attach(connection);
      if (attachment === undefined || identity === undefined || keys === undefined || hubs === undefined) continue;
      this.#addDevice({ instance, identity, keys, hubs, drafts, connectionTree: connection, ...attachment });
    }
  }

  #readPoints(protocol: ProtocolDeclaration, points: MapTree | undefined, defaults: MapTree | undefined): readonly PointDraft[] {
    return points === undefined ? [] : new PointReader(protocol, this.#declarations, this.#scope).read(points, defaults);
  }

  #pointsOf(tree: MapTree): MapTree | undefined {
    const points = getMap(tree, 'points', 'points by name', this.#scope);
    if (points !== undefined && points.entries.size > 0) return points;
    if (points === undefined && tree.entries.has('points')) return undefined;
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
    const { instance, identity, keys, drafts, connection } = parts;
    if (!this.#isNewTwin(identity.twin, instance)) return;
    const device: DevicePlan = {
      ...identity,
      connection: connection.name,
      settings: parts.settings,
      points: drafts.map((draft) => toPointPlan(identity.twin, draft)),
      hubs: parts.hubs,
      message: { maxBytes: keys.message.maxBytes, maxAgeMs: keys.message.maxAge },
    };
    connection.devices.push(device);
    this.devices.push(device);
    const points = new Map(drafts.map((draft) => [draft.name, draft]));
    this.places.set(identity.twin, { tree: instance, connection: parts.connectionTree, points });
  }

  #identify(tree: MapTree, instance: MapTree, keys: MappingKeys): DeviceParts['identity'] | undefined {
    if (instance !== tree) return this.#identifyInstance(instance, keys);
    if (keys.twin !== undefined)
      return { twin: keys.twin, labels: keys.labels, ...(keys.model === undefined ? {} : { model: keys.model }) };
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

  #routes(choice: HubChoice | undefined, tree: MapTree): DevicePlan['hubs'] | undefined {
    const before = this.#scope.problems.errors;
    if (choice === undefined) return this.#onlyHub(tree);
    if (typeof choice === 'string' || Array.isArray(choice)) return this.#sameForAll(this.#checked(choice, ['hub'], tree));
    const named = Object.entries(choice).map(([kind, hubs]) => [kind, this.#checked(hubs, ['hub', kind], tree)] as const);
    if (this.#scope.problems.errors > before) return undefined;
    const all = [...new Set(named.flatMap(([, hubs]) => hubs))];
    const hub = get(tree, 'hub');
    if (hub?.kind === 'map' && hub.entries.size === 0)
      this.#scope.problems.add({ at: locate(tree, ['hub']).at, message: '`hub` names no hub' });
    return { ...this.#sameForAll(all), ...Object.fromEntries(named) };
  }

  #onlyHub(tree: MapTree): DevicePlan['hubs'] | undefined {
    const names = this.#hubNames;
    if (names === undefined || names.length <= 1) return this.#sameForAll(names ?? []);
    this.#scope.problems.add({ at: tree.head, message: '`hub` is missing', expected: `one or more of ${listWords(names)}` });
    return undefined;
  }

  #sameForAll(hubs: readonly string[]): Record<MessageKind, readonly string[]> {
    return { telemetry: hubs, property: hubs, event: hubs, gap: hubs, status: hubs };
  }

  #checked(choice: string | readonly string[] | undefined, path: readonly string[], tree: MapTree): readonly string[] {
    const names = typeof choice === 'string' ? [choice] : (choice ?? []);
    for (const [index, name] of names.entries()) {
      if (this.#hubNames === undefined || this.#hubNames.includes(name)) continue;
      const { at } = locate(tree, typeof choice === 'string' ? path : [...path, index]);
      const expected = this.#hubNames.length === 0 ? 'a hub of gateway.yaml' : `one of ${listWords(this.#hubNames)}`;
      this.#scope.problems.add({ at, message: `there is no hub \`${name}\``, expected, hint: didYouMean(name, this.#hubNames) });
    }
    return [...new Set(names)];
  }
}

const CONNECTION = '`protocol` and the keys of the endpoint, or `name` of a connection in gateway.yaml';

type MappingKeys = z.output<typeof mappingKeys>;

interface DeviceParts {
  readonly instance: MapTree;
  readonly identity: Pick<DevicePlan, 'twin' | 'model' | 'labels'>;
  readonly keys: MappingKeys;
  readonly hubs: DevicePlan['hubs'];
  readonly drafts: readonly PointDraft[];
  readonly connection: Connection;
  readonly settings: unknown;
  readonly connectionTree: MapTree;
}

function toPointPlan(device: string, { name, common, address, keys, write }: PointDraft): PointPlan {
  const { type, unit, as: kind, interval: intervalMs } = common;
  const point = {
    id: `${device}/${name}`,
    device,
    name,
    address,
    access: write === undefined ? ('read' as const) : ('read-write' as const),
    kind,
    intervalMs,
    ...(type === undefined ? {} : { type }),
    ...(unit === undefined ? {} : { unit }),
  };
  return { point, keys, ...(write === undefined ? {} : { write }) };
}
