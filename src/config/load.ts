import { statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { Declarations, Remark } from '../model/declaration.ts';
import { type ConnectionPlan, type GatewayPlan, UNNAMED } from '../model/plan.ts';
import { mapClasses } from '../model/spool-class.ts';
import { ConnectionBook } from './connection.ts';
import { findMappings } from './find-mappings.ts';
import { gatewayKeys } from './gateway-schema.ts';
import type { HubBook } from './hub-routes.ts';
import type { Scope } from './inspect.ts';
import { loadFile } from './load-file.ts';
import { checkHub, type GatewayFile, readGateway } from './load-gateway.ts';
import { MappingReader } from './load-mapping.ts';
import type { Problem } from './problem.ts';
import { ProblemList } from './problem-list.ts';
import { addDeviceRemark, checkConnection } from './remarks.ts';
import { SecretStore } from './secret-store.ts';
import { serviceState } from './service-state.ts';
import { dropUndefined } from './write-rule.ts';

export interface LoadOptions {
  /** `STATE_DIRECTORY` and `CREDENTIALS_DIRECTORY` are looked at. Default: that of the process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** For certificates; UTC, milliseconds since 1970. Default: now. */
  readonly nowMs?: number;
  /** Problems name files relative to this directory where they lie in it. Default: the working directory. */
  readonly relativeTo?: string;
  /** What else a plan has to hold up to, where it is whole; remarks name devices and their parts. */
  readonly check?: (plan: GatewayPlan) => readonly Remark[];
}

export interface Loaded {
  /** Absent when any problem is an error. */
  readonly plan?: GatewayPlan;
  /** Who the gateway of `gateway.yaml` is and where it shows how it is, also where something else is wrong. */
  readonly shown?: Pick<GatewayPlan, 'operations'> & { readonly id: string };
  /** Of all files, sorted; warnings leave the plan. */
  readonly problems: readonly Problem[];
}

const GATEWAY_FILE = 'gateway.yaml';
/** How far above a mapping its gateway.yaml may lie. */
const MAX_LEVELS_ABOVE = 4;

/** Reads `gateway.yaml` (`path` is the file or its directory) and every mapping it names. Opens no socket; never rejects for what files hold. */
export async function loadConfiguration(path: string, declarations: Declarations, options: LoadOptions = {}): Promise<Loaded> {
  const absolute = resolve(path);
  const isDirectory = statSync(absolute, { throwIfNoEntry: false })?.isDirectory() === true;
  const loader = new Loader(isDirectory ? join(absolute, GATEWAY_FILE) : absolute, declarations, options);
  const gateway = await loader.loadGateway();
  if (gateway === undefined) return loader.result(undefined, undefined);
  const reader = loader.readerOf(gateway);
  for (const mapping of await loader.findMappings(gateway)) await loader.loadMapping(mapping, reader);
  return loader.result(gateway, reader);
}

/** One mapping, with the gateway.yaml beside or above it; without one, defaults stand in for it and any hub may be named. */
export async function loadMapping(path: string, declarations: Declarations, options: LoadOptions = {}): Promise<Loaded> {
  const absolute = resolve(path);
  const gatewayPath = findGatewayFile(dirname(absolute));
  const loader = new Loader(gatewayPath ?? join(dirname(absolute), GATEWAY_FILE), declarations, options);
  const gateway = gatewayPath === undefined ? undefined : await loader.loadGateway();
  const reader = loader.readerOf(gateway);
  await loader.loadMapping(absolute, reader);
  return loader.result(gateway, reader);
}

function findGatewayFile(directory: string, levels = MAX_LEVELS_ABOVE): string | undefined {
  const path = join(directory, GATEWAY_FILE);
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return path;
  const above = dirname(directory);
  return levels === 0 || above === directory ? undefined : findGatewayFile(above, levels - 1);
}

/** `undefined`: there is no hub, so any name may be right. */
function hubBook({ hubNames: names, hubs, keys }: GatewayFile): HubBook | undefined {
  if (names.length === 0) return undefined;
  const takes = new Map(hubs.flatMap(({ name, takes }) => (takes === undefined ? [] : [[name, takes] as const])));
  return { names, takes, labels: keys?.gateway.labels ?? {} };
}

function shownBy(gateway: GatewayFile | undefined): Pick<Loaded, 'shown'> {
  if (gateway?.keys === undefined) return {};
  const { operations, gateway: identity } = gateway.keys;
  return { shown: { id: identity.id, operations } };
}

function labelNames(gateway: GatewayFile | undefined, reader: MappingReader | undefined): readonly string[] {
  const ofTwins = (reader?.devices ?? []).flatMap(({ labels }) => Object.keys(labels));
  return [...new Set([...Object.keys(gateway?.keys?.gateway.labels ?? {}), ...ofTwins])];
}

/** What one call gathers: problems, connections and devices of all files. */
class Loader {
  readonly #gatewayPath: string;
  readonly #declarations: Declarations;
  readonly #environment: Readonly<Record<string, string | undefined>>;
  readonly #relativeTo: string;
  readonly #check: LoadOptions['check'];
  readonly #problems = new ProblemList();
  readonly #scope: Scope;
  readonly #book: ConnectionBook;
  readonly #secrets: SecretStore;

  constructor(gatewayPath: string, declarations: Declarations, options: LoadOptions) {
    this.#gatewayPath = gatewayPath;
    this.#declarations = declarations;
    this.#environment = options.environment ?? process.env;
    this.#relativeTo = options.relativeTo ?? process.cwd();
    this.#check = options.check;
    this.#scope = { problems: this.#problems, nowMs: options.nowMs ?? Date.now() };
    this.#book = new ConnectionBook(declarations.protocols, this.#scope);
    this.#secrets = new SecretStore(this.#directory, this.#environment.CREDENTIALS_DIRECTORY, this.#problems);
  }

  get #directory(): string {
    return dirname(this.#gatewayPath);
  }

  async loadGateway(): Promise<GatewayFile | undefined> {
    const tree = await loadFile(this.#gatewayPath, this.#nameOf(this.#gatewayPath), this.#scope, this.#secrets);
    if (tree === undefined) return undefined;
    const gateway = readGateway(tree, this.#declarations, this.#scope);
    for (const connection of gateway.connections) this.#book.share(connection);
    return gateway;
  }

  findMappings({ tree, keys }: GatewayFile): Promise<readonly string[]> {
    const patterns = keys?.mappings ?? gatewayKeys.shape.mappings.parse(undefined);
    return findMappings(patterns, tree, this.#gatewayPath, this.#directory, this.#scope);
  }

  readerOf(gateway: GatewayFile | undefined): MappingReader {
    const book = gateway && hubBook(gateway);
    return new MappingReader(this.#declarations, this.#book, book, gateway?.hubs ?? [], this.#scope);
  }

  async loadMapping(path: string, reader: MappingReader): Promise<void> {
    const tree = await loadFile(path, this.#nameOf(path), this.#scope, this.#secrets);
    if (tree !== undefined) reader.read(tree);
  }

  result(gateway: GatewayFile | undefined, reader: MappingReader | undefined): Loaded {
    const used = this.#book.connections.filter(({ devices }) => devices.length > 0);
    const connections = used.map(
      ({ name, protocol, endpoint, settings, devices }): ConnectionPlan => ({
        name,
        protocol: protocol.protocol,
        endpoint,
        settings,
        devices,
      }),
    );
    for (const [index, connection] of used.entries()) {
      const plan = connections[index];
      if (plan !== undefined)
        checkConnection(
          connection,
          plan,
          { operators: this.#declarations.operators, places: reader?.places ?? new Map() },
          this.#scope,
        );
    }
    // Without the keys of the gateway its labels are not known, and topics cannot be judged.
    const hubs = gateway?.keys === undefined ? [] : gateway.hubs;
    for (const hub of hubs) checkHub(hub, labelNames(gateway, reader), this.#scope);
    reader?.traits.check(this.#scope);
    const shown = shownBy(gateway);
    if (this.#problems.errors > 0) return { ...shown, problems: this.#problems.sorted() };
    const plan = this.#plan(gateway, connections, reader);
    for (const remark of [...this.#remarksOfHubs(plan), ...(this.#check?.(plan) ?? [])])
      addDeviceRemark(remark, reader?.places ?? new Map(), this.#scope);
    const problems = this.#problems.sorted();
    return { ...shown, ...(this.#problems.errors > 0 ? {} : { plan }), problems };
  }

  #remarksOfHubs({ hubs, devices }: GatewayPlan): readonly Remark[] {
    return hubs.flatMap(({ name, dialect, settings }) => {
      const own = devices.filter((device) => Object.values(device.hubs).some((names) => names.includes(name)));
      const declaration = this.#declarations.dialects.find((one) => one.dialect === dialect);
      return declaration?.checkDevices?.(settings as never, own) ?? [];
    });
  }

  #plan(
    gateway: GatewayFile | undefined,
    connections: readonly ConnectionPlan[],
    reader: MappingReader | undefined,
  ): GatewayPlan {
    const keys = gateway?.keys ?? gatewayKeys.parse({ gateway: { id: UNNAMED } });
    const { location, ...identity } = keys.gateway;
    const {
      directory,
      maxAge: maxAgeMs,
      commitWindow: commitWindowMs,
      keepFree: keepFreeBytes,
      encryption,
      whenFull,
      classes,
      ...spool
    } = keys.spool;
    const state = serviceState(this.#directory, this.#environment);
    const spoolDirectory =
      directory === undefined ? join(state ?? join(this.#directory, 'var'), 'spool') : resolve(this.#directory, directory);
    return {
      gateway: { ...identity, ...(location === undefined ? {} : { location }) },
      hubs: reader?.traits.plans() ?? [],
      connections,
      devices: reader?.devices ?? [],
      spool: {
        ...spool,
        classes: mapClasses((name) => ({ ...classes[name], whenFull: classes[name].whenFull ?? whenFull })),
        keys: encryption === undefined ? [] : [encryption.key, ...encryption.oldKeys],
        maxAgeMs,
        keepFreeBytes,
        commitWindowMs,
        directory: spoolDirectory,
      },
      clock: keys.clock.setFile === undefined ? {} : { setFile: keys.clock.setFile },
      operations: keys.operations,
      audit: dropUndefined(keys.audit),
      cloudMayChange: dropUndefined(keys.cloudMayChange),
      log: keys.log,
      stateDirectory: state ?? dirname(spoolDirectory),
    };
  }

  #nameOf(path: string): string {
    const name = relative(this.#relativeTo, path);
    return name.startsWith('..') ? path : name || basename(path);
  }
}
