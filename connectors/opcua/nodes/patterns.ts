import type { ClientSession } from 'node-opcua-client';
import type { DevicePlan, PointPlan } from '../../../src/model/plan.ts';
import type { Log } from '../../../src/runtime/log.ts';
import { parseNodeAddress } from '../mapping/node-address.ts';
import { type NodePattern, nameOf } from '../mapping/node-pattern.ts';
import { nodeText } from '../mapping/node-text.ts';
import type { OpcuaPoint } from '../mapping/settings.ts';
import { statusNameOf } from '../protocol/errors.ts';
import type { ServerFacts } from '../protocol/requests.ts';
import { findMatches, MAX_MATCHES, type PatternMatch } from './find-nodes.ts';

type OpcuaDevicePlan = DevicePlan<unknown, OpcuaPoint>;
type OpcuaPointPlan = PointPlan<OpcuaPoint>;

/** A pattern is resolved to other nodes than before. */
export interface PatternChange {
  readonly devices: readonly DevicePlan[];
  readonly gone: readonly OpcuaPointPlan['point'][];
  readonly added: readonly OpcuaPointPlan['point'][];
}

/** Two nodes have the name of one point: nobody knows which is meant. */
export const AMBIGUOUS = 'BadBrowseNameDuplicated';

interface Found {
  readonly pattern: PointPlan;
  readonly name: string;
  readonly match: PatternMatch;
}

/** What the patterns of the mapping stand for. Outlives the sessions; each of them, and each change of the server, resolves them anew. */
export class Patterns {
  readonly #written: readonly OpcuaDevicePlan[];
  readonly #log: Log;
  readonly #present = new Map<string, OpcuaDevicePlan>();
  readonly #entries = new WeakMap<OpcuaPointPlan, PointPlan>();
  #told = new Map<string, string>();
  #telling = new Map<string, string>();
  readonly #counts = new Map<string, number | string>();

  constructor(devices: readonly OpcuaDevicePlan[], log: Log) {
    this.#written = devices.filter(({ patterns }) => patterns !== undefined);
    this.#log = log;
  }

  /** Devices that have patterns, with the points that they have now. */
  get present(): readonly OpcuaDevicePlan[] {
    return this.#written.map((device) => this.#present.get(device.twin) ?? device);
  }

  /** Of one entry of the mapping: how many points it stands for, or why it stands for none. */
  get counts(): Readonly<Record<string, number | string>> {
    return Object.fromEntries(this.#counts);
  }

  /** The points that the patterns stand for now. */
  points(): readonly OpcuaPointPlan['point'][] {
    return this.#written.flatMap((device) => {
      const present = this.#present.get(device.twin) ?? device;
      return present.points.slice(device.points.length).map(({ point }) => point);
    });
  }

  /** Asks the server. `undefined` where nothing has changed, as when the server refuses to say. Rejects where it cannot be asked. */
  async resolve(session: ClientSession, facts: ServerFacts): Promise<PatternChange | undefined> {
    try {
      return await this.#resolve(session, facts);
    } catch (error) {
      const status = statusNameOf(error);
      if (status === undefined) throw error;
      this.#log.warn('opcua patterns not resolved', { status });
      return undefined;
    }
  }

  async #resolve(session: ClientSession, facts: ServerFacts): Promise<PatternChange | undefined> {
    this.#telling = new Map();
    const resolved: OpcuaDevicePlan[] = [];
    for (const device of this.#written) resolved.push(await this.#resolveDevice(device, session, facts));
    this.#told = this.#telling;
    const before = new Set(this.points());
    const changed = resolved.filter((device, at) => !isSameList(device.points, this.present[at]?.points ?? []));
    for (const device of resolved) this.#present.set(device.twin, device);
    const now = new Set(this.points());
    if (changed.length === 0) return undefined;
    const gone = [...before].filter((point) => !now.has(point));
    const added = [...now].filter((point) => !before.has(point));
    this.#log.info('opcua patterns resolved', { points: now.size, added: added.length, gone: gone.length });
    return { devices: changed, gone, added };
  }

  async #resolveDevice(device: OpcuaDevicePlan, session: ClientSession, facts: ServerFacts): Promise<OpcuaDevicePlan> {
    const found: Found[] = [];
    for (const pattern of device.patterns ?? []) found.push(...(await this.#find(pattern, session, facts)));
    const written = new Set(device.points.map(({ point }) => point.name));
    const known = new Map(this.#present.get(device.twin)?.points.map((plan) => [plan.point.id, plan]));
    const made: OpcuaPointPlan[] = [];
    for (const [name, all] of Map.groupBy(found, (one) => one.name)) {
      const [first] = all;
      if (first === undefined) continue;
      const nodes = all.map(({ match }) => match.path.join('/')).join(', ');
      if (written.has(name)) this.#tell(`${device.twin}/${name}`, nodes, 'the mapping has another point of this name');
      else if (all.length > 1) this.#tell(`${device.twin}/${name}`, nodes, 'several nodes would be points of this name');
      if (written.has(name)) continue;
      const plan = makePoint(first, facts, all.length > 1 ? AMBIGUOUS : undefined);
      const before = known.get(plan.point.id);
      const isSame = before !== undefined && this.#entries.get(before) === first.pattern && isSameNode(before, plan);
      if (!isSame) this.#entries.set(plan, first.pattern);
      made.push(isSame ? before : plan);
    }
    return { ...device, points: [...device.points, ...made] };
  }

  async #find(pattern: PointPlan, session: ClientSession, facts: ServerFacts): Promise<readonly Found[]> {
    const { id, name: entry } = pattern.point;
    const nodes = patternOf(pattern);
    const matches = await findMatches(session, facts, nodes);
    this.#counts.set(id, matches?.length ?? `more than ${MAX_MATCHES} nodes`);
    if (matches === undefined)
      this.#tell(id, nodes.browse, `it stands for more than ${MAX_MATCHES} nodes, so for none; divide it`);
    else if (matches.length === 0) this.#tell(id, nodes.browse, 'the server has no such variable');
    return (matches ?? []).map((match) => ({ pattern, match, name: nameOf(nodes, entry, match.path) }));
  }

  /** Once, until it is something else. */
  #tell(point: string, nodes: string, reason: string): void {
    const text = `${reason} ${nodes}`;
    this.#telling.set(point, text);
    if (this.#told.get(point) !== text) this.#log.warn('opcua pattern not clear', { point, nodes: nodes.slice(0, 500), reason });
  }
}

/** The settings were parsed by this connector's own schemas. */
function patternOf({ point }: PointPlan): NodePattern {
  return (point.address as Omit<OpcuaPoint, 'address'> & { readonly address: NodePattern }).address;
}

function makePoint({ pattern, name, match }: Found, { namespaces }: ServerFacts, problem: string | undefined): OpcuaPointPlan {
  const { point } = pattern as OpcuaPointPlan;
  const address = parseNodeAddress(nodeText(match.nodeId, namespaces));
  const broken = address === undefined ? 'BadNodeIdInvalid' : problem;
  return {
    ...pattern,
    point: {
      ...point,
      id: `${point.device}/${name}`,
      name,
      address: {
        ...point.address,
        address: address ?? { text: '', namespace: 0, identifier: { kind: 'numeric', value: 0 } },
        ...(broken === undefined ? {} : { problem: broken }),
      },
    },
  };
}

function isSameNode({ point: { address: a } }: OpcuaPointPlan, { point: { address: b } }: OpcuaPointPlan): boolean {
  return a.problem === b.problem && a.address.text === b.address.text;
}

function isSameList(a: readonly PointPlan[], b: readonly PointPlan[]): boolean {
  const there = new Set(b);
  return a.length === b.length && a.every((plan) => there.has(plan));
}

/** Intervals of the points that patterns may bring to be polled, and windows of those that they may bring to be computed. */
export function pacesOf(
  devices: readonly DevicePlan[],
): Readonly<Record<'pollIntervals' | 'windowsOfPatterns', readonly number[]>> {
  const points = devices.flatMap(({ patterns = [] }) => patterns as readonly OpcuaPointPlan[]).map(({ point }) => point);
  return {
    pollIntervals: points.filter(({ address }) => address.read === 'poll').map(({ intervalMs }) => intervalMs),
    windowsOfPatterns: points.flatMap(({ address }) => address.serverAggregate?.every ?? []),
  };
}
