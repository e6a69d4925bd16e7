import type { DevicePlan, MethodPlan } from '../../../model/plan.ts';
import type { Stored } from '../../../model/twin-message.ts';
import { isCompound, mapScalars, type Scalar, someScalar } from '../../../model/value.ts';
import type { DialectContext } from '../../dialect.ts';
import { type Current, KnownMetric, type MetricOptions } from './known-metric.ts';
import { type MetricType, TEXT } from './values/metric-type.ts';
import { hintedType } from './values/scalar-type.ts';

export interface DeviceBookOptions {
  readonly twin: string;
  /** Absent: the configuration does not have it any more, but its messages are still in the spool. */
  readonly plan: DevicePlan | undefined;
  readonly hub: string;
  readonly latest: DialectContext['latest'];
  readonly nextAlias: () => bigint;
  /** Whether the mapping sends something of this name, with what its patterns stand for now. */
  readonly isSent: (name: string) => boolean;
}

/** What is not sent any more, and stood in none of so many messages of the device, is forgotten with its next birth. */
const FORGOTTEN_AFTER = 100;

/** What the connectors say of points whose device cannot be reached. */
const AWAY = new Set([
  ...['BadCommunicationError', 'BadNoCommunication', 'BadTimeout', 'BadNotConnected', 'BadConnectionClosed'],
  ...['BadServerNotConnected', 'BadDeviceFailure', 'BadWaitingForInitialData'],
]);

export function isAway({ quality, status = '' }: Pick<Current, 'quality' | 'status'>): boolean {
  return quality === 'bad' && AWAY.has(status);
}

/** The metrics of one device. Points that the mapping does not name one by one are added when messages tell of them. */
export class DeviceBook {
  readonly twin: string;
  readonly plan: DevicePlan | undefined;
  readonly #options: DeviceBookOptions;
  readonly #metrics = new Map<string, KnownMetric>();
  readonly #byAlias = new Map<bigint, KnownMetric>();
  readonly #lastTold = new WeakMap<KnownMetric, number>();
  #messages = 0;

  constructor(options: DeviceBookOptions) {
    const { twin, plan, hub } = options;
    this.twin = twin;
    this.plan = plan;
    this.#options = options;
    for (const point of plan?.points ?? []) {
      if (plan?.hubs[point.point.kind].includes(hub) === true) this.#add({ name: point.point.name, plan: point });
    }
    for (const { name } of plan?.events ?? []) this.event(name);
    for (const method of plan?.methods ?? []) {
      const type = argumentsType(method);
      if (type !== undefined) this.#add({ name: methodName(method.name), type });
    }
  }

  /** Those that can be announced: with a type, or told of without one. */
  get metrics(): readonly KnownMetric[] {
    return [...this.#metrics.values()].filter(({ type, told }) => type.kind !== 'unknown' || told !== undefined);
  }

  /** Made where it is new. */
  event(name: string): KnownMetric {
    return this.#metrics.get(eventName(name)) ?? this.#add({ name: eventName(name), type: TEXT });
  }

  byName(name: string): KnownMetric | undefined {
    return this.#metrics.get(name);
  }

  byAlias(alias: bigint): KnownMetric | undefined {
    return this.#byAlias.get(alias);
  }

  /** The last values known, of points from the gateway itself: newer than what messages could tell yet. */
  current(metric: KnownMetric): Current | undefined {
    const { plan, told } = metric;
    const reading = plan === undefined || plan.keys.aggregate !== undefined ? undefined : this.#options.latest(plan.point);
    if (reading === undefined) return told;
    const { value, quality, status, sourceTimeMs: timeMs } = reading;
    return sendable({ value, quality, status, timeMs });
  }

  /** Takes types from the last values. */
  learnCurrent(): void {
    for (const metric of this.#metrics.values()) metric.learn(this.current(metric)?.value ?? null);
  }

  /** The metrics of a message, in the order in which it names them. */
  learnMessage({ message, ...place }: Pick<Stored, 'message' | 'epoch' | 'sequence'>): readonly KnownMetric[] {
    const { startTimeMs, values, isHistory = false } = message;
    this.#messages += 1;
    return Object.entries(values).map(([name, list]) => {
      const metric = this.#metrics.get(name) ?? this.#add({ name });
      this.#lastTold.set(metric, this.#messages);
      for (const [offsetMs, value, quality = 'good', status] of list)
        metric.tell({ value, quality, status, timeMs: startTimeMs + offsetMs }, isHistory ? undefined : place);
      return metric;
    });
  }

  /** Before a birth: patterns may stand for nodes of ever new names. */
  forget(): void {
    for (const [name, metric] of this.#metrics) {
      if (metric.plan !== undefined || metric.isFixed || this.#options.isSent(name)) continue;
      if (this.#messages - (this.#lastTold.get(metric) ?? 0) <= FORGOTTEN_AFTER) continue;
      this.#metrics.delete(name);
      this.#byAlias.delete(metric.alias);
    }
  }

  /** `unknown`: nothing was read yet. `away`: nothing is good, and something says that the device cannot be reached. */
  get state(): 'unknown' | 'there' | 'away' {
    const known = this.#known();
    if (known.length === 0) return 'unknown';
    return known.some(isAway) && known.every(({ quality }) => quality === 'bad') ? 'away' : 'there';
  }

  #known(): readonly Current[] {
    return [...this.#metrics.values()].flatMap((metric) => (metric.isFixed ? [] : (this.current(metric) ?? [])));
  }

  #add(options: Omit<MetricOptions, 'alias'>): KnownMetric {
    const metric = new KnownMetric({ ...options, alias: this.#options.nextAlias() });
    this.#metrics.set(metric.name, metric);
    this.#byAlias.set(metric.alias, metric);
    return metric;
  }
}

/** What no message carries: NaN and the infinities. */
function sendable(current: Current): Current {
  if (!someScalar(current.value, isNotFinite)) return current;
  if (isCompound(current.value))
    return { ...current, value: mapScalars(current.value, (part) => (isNotFinite(part) ? null : part)) };
  return { ...current, value: null, quality: 'bad', status: 'BadDecodingError' };
}

function isNotFinite(scalar: Scalar): boolean {
  return typeof scalar === 'number' && !Number.isFinite(scalar);
}

function eventName(name: string): string {
  return `Events/${name}`;
}

const METHODS = 'Methods/';

function methodName(name: string): string {
  return `${METHODS}${name}`;
}

/** The method that a metric stands for. */
export function methodOf({ name }: KnownMetric): string | undefined {
  return name.startsWith(METHODS) ? name.slice(METHODS.length) : undefined;
}

/** A template of its arguments; a method without any is called by `true`. `undefined`: takes structures, whose fields only the device knows. */
function argumentsType({ arguments: given }: MethodPlan): MetricType | undefined {
  if (given.length === 0) return { kind: 'scalar', scalar: 'Boolean' };
  const members = new Map<string, MetricType>();
  for (const { name, type, isArray } of given) {
    if (type === 'structure') return undefined;
    const scalar = hintedType(type);
    members.set(name, isArray ? { kind: 'array', element: scalar, isSparse: false } : { kind: 'scalar', scalar });
  }
  return { kind: 'structure', members };
}
