import { isDeepStrictEqual } from 'node:util';
import type { ProtocolDeclaration } from '../model/declaration.ts';
import type { DevicePlan } from '../model/plan.ts';
import { checkTree } from './check-tree.ts';
import { unitsKey } from './gateway-schema.ts';
import { addUnknownKey, type Scope } from './inspect.ts';
import type { NamedMap } from './load-gateway.ts';
import { sharedConnectionKeys } from './mapping-schema.ts';
import { describePlace } from './problem-list.ts';
import { readWord } from './sections.ts';
import { didYouMean, listWords } from './suggest.ts';
import { locate, locateKey, type MapTree, pick } from './tree.ts';

/** One southbound endpoint while the files are read. */
export interface Connection {
  readonly name: string;
  readonly protocol: ProtocolDeclaration;
  readonly endpoint: string;
  readonly settings: unknown;
  /** Where it is written; for an inline connection the first place. */
  readonly tree: MapTree;
  /** Unit numbers wired to it, where the configuration tells. */
  readonly units?: readonly number[];
  readonly devices: DevicePlan[];
}

/** Where a device hangs and which keys it has there. */
export interface Attachment {
  readonly connection: Connection;
  readonly settings: unknown;
}

/** Every endpoint once, however many mappings name it. */
export class ConnectionBook {
  readonly #protocols: readonly ProtocolDeclaration[];
  readonly #scope: Scope;
  readonly #byEndpoint = new Map<string, Connection>();
  readonly #byName = new Map<string, Connection>();
  /** Names in `gateway.yaml`, wrong ones included. */
  readonly #shared = new Set<string>();

  constructor(protocols: readonly ProtocolDeclaration[], scope: Scope) {
    this.#protocols = protocols;
    this.#scope = scope;
  }

  get connections(): readonly Connection[] {
    return [...this.#byEndpoint.values()];
  }

  /** A connection of `gateway.yaml`. */
  share({ name, tree }: NamedMap): void {
    this.#shared.add(name);
    const protocol = this.#protocolOf(tree);
    if (protocol === undefined) return;
    const takesUnits = Object.hasOwn(protocol.device.shape, 'unit');
    const unitsTree = takesUnits ? pick(tree, (key) => key === 'units') : undefined;
    const units = unitsTree === undefined ? undefined : checkTree(unitsKey, unitsTree, this.#scope)?.units;
    const own = pick(tree, (key) => key !== 'protocol' && !(takesUnits && key === 'units'));
    const settings = checkTree(protocol.connection, own, this.#scope);
    if (settings === undefined) return;
    const endpoint = protocol.endpoint(settings as never);
    const first = this.#byEndpoint.get(endpoint);
    if (first !== undefined) this.#addSameEndpoint(tree, endpoint, first);
    else this.#add({ name, protocol, endpoint, settings, tree, devices: [], ...(units === undefined ? {} : { units }) });
  }

  /** The protocol of the `connection` of a device, or `undefined` and a problem. */
  protocolOf(tree: MapTree): ProtocolDeclaration | undefined {
    return tree.entries.has('name') ? this.#named(tree)?.protocol : this.#protocolOf(tree);
  }

  /** The `connection` of a device. */
  attach(tree: MapTree): Attachment | undefined {
    return tree.entries.has('name') ? this.#attachShared(tree) : this.#attachInline(tree);
  }

  #named(tree: MapTree): Connection | undefined {
    const keys = checkTree(
      sharedConnectionKeys,
      pick(tree, (key) => key === 'name'),
      this.#scope,
    );
    if (keys === undefined) return undefined;
    const connection = this.#byName.get(keys.name);
    return connection !== undefined && this.#shared.has(keys.name) ? connection : this.#addUnknownName(tree, keys.name);
  }

  #attachShared(tree: MapTree): Attachment | undefined {
    const connection = this.#named(tree);
    if (connection === undefined) return undefined;
    const settings = this.#deviceSettings(tree, connection.protocol, ['name']);
    if (settings === undefined) return undefined;
    this.#checkUnit(settings, connection, tree);
    return { connection, settings };
  }

  #attachInline(tree: MapTree): Attachment | undefined {
    const protocol = this.#protocolOf(tree);
    if (protocol === undefined) return undefined;
    const endpointKeys = pick(tree, (key) => Object.hasOwn(protocol.connection.shape, key));
    const settings = checkTree(protocol.connection, endpointKeys, this.#scope);
    const device = this.#deviceSettings(tree, protocol, ['protocol', ...Object.keys(protocol.connection.shape)]);
    if (settings === undefined || device === undefined) return undefined;
    const endpoint = protocol.endpoint(settings as never);
    const first = this.#byEndpoint.get(endpoint);
    if (first !== undefined) return this.#join(first, settings, device, tree);
    const connection = { name: this.#nameFor(endpoint), protocol, endpoint, settings, tree, devices: [] };
    this.#add(connection);
    return { connection, settings: device };
  }

  #join(first: Connection, settings: object, device: unknown, tree: MapTree): Attachment | undefined {
    const different = differingKeys(first.settings as object, settings);
    this.#checkUnit(device, first, tree);
    if (different.length === 0) return { connection: first, settings: device };
    const message = `${listWords(different)} differs from the same endpoint at ${describePlace(first.tree.head)}`;
    const hint = 'one endpoint has one set of keys; give it once, under `connections` of gateway.yaml';
    this.#scope.problems.add({ at: locateKey(tree, [different[0] ?? '']), message, hint });
    return undefined;
  }

  /** The keys of the device itself; complains about keys that are neither its own nor `others`. */
  #deviceSettings(tree: MapTree, protocol: ProtocolDeclaration, others: readonly string[]): unknown {
    const own = pick(tree, (key) => Object.hasOwn(protocol.device.shape, key));
    const known = [...others, ...Object.keys(protocol.device.shape)];
    for (const [key, entry] of tree.entries) {
      if (known.includes(key)) continue;
      const former = protocol.formerKeys?.[key];
      if (former !== undefined) {
        this.#scope.problems.add({ at: entry.key, message: `\`${key}\` is not known any more`, hint: former });
        continue;
      }
      if (key === 'protocol' || Object.hasOwn(protocol.connection.shape, key)) this.#addForeignKey(key, tree);
      else addUnknownKey(key, entry, known, tree, this.#scope.problems);
    }
    return checkTree(protocol.device, own, this.#scope);
  }

  #addForeignKey(key: string, tree: MapTree): void {
    const message = `\`${key}\` belongs to the connection in gateway.yaml, not to the device`;
    this.#scope.problems.add({
      at: locateKey(tree, [key]),
      message,
      hint: 'either `name`, or `protocol` and the keys of the endpoint',
    });
  }

  #addUnknownName(tree: MapTree, name: string): undefined {
    if (this.#shared.has(name)) return undefined;
    const { at } = locate(tree, ['name']);
    const names = [...this.#shared];
    const expected = names.length === 0 ? 'a name under `connections` of gateway.yaml' : `one of ${listWords(names)}`;
    this.#scope.problems.add({ at, message: `there is no connection \`${name}\``, expected, hint: didYouMean(name, names) });
    return undefined;
  }

  #addSameEndpoint(tree: MapTree, endpoint: string, first: Connection): void {
    const message = `\`${endpoint}\` is already the connection \`${first.name}\` at ${describePlace(first.tree.head)}`;
    this.#scope.problems.add({ at: tree.head, code: 'CONFIG_DUPLICATE', message, hint: 'one endpoint, one connection' });
  }

  #checkUnit(settings: unknown, connection: Connection, tree: MapTree): void {
    const unit = (settings as { readonly unit?: unknown }).unit;
    if (connection.units === undefined || typeof unit !== 'number' || connection.units.includes(unit)) return;
    const right = this.connections.filter(({ units }) => units?.includes(unit)).map(({ name }) => name);
    const hint =
      right.length === 0 ? `add ${unit} to \`units\` of \`${connection.name}\`` : `unit ${unit} is wired to ${listWords(right)}`;
    const expected = `one of ${connection.units.join(', ')}`;
    const { at } = locate(tree, ['unit']);
    this.#scope.problems.add({
      at,
      message: `no unit ${unit} is wired to \`${connection.name}\``,
      expected,
      got: String(unit),
      hint,
    });
  }

  #protocolOf(tree: MapTree): ProtocolDeclaration | undefined {
    const words = this.#protocols.map(({ protocol }) => protocol);
    const word = readWord(tree, 'protocol', words, this.#scope);
    return this.#protocols.find(({ protocol }) => protocol === word);
  }

  #add(connection: Connection): void {
    this.#byEndpoint.set(connection.endpoint, connection);
    this.#byName.set(connection.name, connection);
  }

  /** Readable, and fit for file names and metrics. */
  #nameFor(endpoint: string): string {
    const plain = endpoint.replace(/[^A-Za-z0-9._]+/g, '-').replace(/^-|-$/g, '');
    let name = plain;
    for (let number = 2; this.#byName.has(name) || this.#shared.has(name); number += 1) name = `${plain}-${number}`;
    return name;
  }
}

function differingKeys(a: object, b: object): readonly string[] {
  const left = new Map(Object.entries(a));
  const right = new Map(Object.entries(b));
  const keys = new Set([...left.keys(), ...right.keys()]);
  return [...keys].filter((key) => !isDeepStrictEqual(left.get(key), right.get(key)));
}
