import type { Quality } from '../../../model/quality.ts';
import type { TimedValue, TwinMessage } from '../../../model/twin-message.ts';
import { isCompound, type Value } from '../../../model/value.ts';
import { clockMarks } from '../../shapes/envelope.ts';
import { type DeviceBook, methodOf } from './device-book.ts';
import type { EdgeNode } from './edge-node.ts';
import type { Current, KnownMetric } from './known-metric.ts';
import type { Metric, MetricValue } from './payload/payload.ts';
import { clockProperty, pointProperties, propertySet, qualityProperties } from './properties.ts';
import { SCALARS } from './values/datatypes.ts';
import { encodeValue } from './values/encode-value.ts';
import { datatypeOf, type MetricType, signatureOf } from './values/metric-type.ts';

const MAX_BRIEF_TEXT = 64;

/** Further back is no jitter. */
const SET_BACK_MS = 1_000;

/** What a host has of a metric. */
interface Told {
  readonly signature: string;
  /** Of its live value; what is not later is history. */
  timeMs: number;
  /** Of the last value known when that was told. */
  knownMs: number | undefined;
  isGood: boolean;
  /** What was said of its time, where it was not known. */
  clock?: string | undefined;
}

interface Timed {
  readonly metric: KnownMetric;
  readonly timeMs: number;
  readonly value: Value | null;
  readonly quality: Quality;
  readonly status: string | undefined;
}

interface Once {
  readonly isHistory?: boolean | undefined;
  readonly clock?: string | undefined;
}

/** Metrics as they stand in births and data, and what hosts have of each of them since the last birth of the node. */
export class MetricWriter {
  readonly #node: EdgeNode;
  readonly #nowMs: () => number;
  readonly #told = new WeakMap<KnownMetric, Told>();
  readonly #defined = new Set<string>();

  constructor(node: EdgeNode, nowMs: () => number) {
    this.#node = node;
    this.#nowMs = nowMs;
  }

  isBorn(metric: KnownMetric): boolean {
    return this.#told.get(metric)?.signature === metric.signature;
  }

  /** Values have come since with times of long before: the clock of the device was set back, and only a birth can say so. */
  isSetBack(device: DeviceBook, metric: KnownMetric): boolean {
    const told = this.#told.get(metric);
    const timeMs = device.current(metric)?.timeMs;
    return told !== undefined && timeMs !== undefined && timeMs < told.timeMs - SET_BACK_MS && timeMs !== told.knownMs;
  }

  /** Whether hosts know every structure in it. */
  isDefined(type: MetricType): boolean {
    return type.kind !== 'structure' || this.#defined.has(signatureOf(type));
  }

  /** Its definition, and of the structures in it, is in the birth. */
  define(type: MetricType): void {
    if (type.kind === 'structure') this.#defined.add(signatureOf(type));
  }

  /** Everything of a device with what is known of it now; `isBrief`: but for long values, which are told as not known. */
  birth(device: DeviceBook, { isBrief = false } = {}): readonly Metric[] {
    const births = device.metrics.map((metric) => {
      const current = this.#current(device, metric);
      return this.#birth(metric, isBrief && isLong(current?.value ?? null) ? undefined : current);
    });
    return [...this.#identity(device), ...births];
  }

  /** The values of a message, in order of time. */
  values(device: DeviceBook, message: TwinMessage): readonly Metric[] {
    const { values, startTimeMs, isHistory = false } = message;
    const { clock } = clockMarks(message);
    const timed = Object.entries(values).flatMap(([name, list]) => {
      const metric = device.byName(name);
      return metric === undefined ? [] : list.map((value) => timedOf(metric, startTimeMs, value));
    });
    return timed.toSorted((a, b) => a.timeMs - b.timeMs).map((one) => this.#data(device, one, { isHistory, clock }));
  }

  /** What a device has now, after a command; hosts take it for the live value, as of now. */
  readBack(device: DeviceBook, metric: KnownMetric, value: Value): Metric {
    const told = this.#told.get(metric);
    const timeMs = Math.max(this.#nowMs(), told?.timeMs ?? 0);
    if (told !== undefined) Object.assign(told, { timeMs, knownMs: device.current(metric)?.timeMs });
    return this.once(metric, this.encode(metric, value), timeMs);
  }

  /** Something that happened once; it does not move what is known of the metric. */
  once(metric: KnownMetric, value: MetricValue, timeMs: number, { isHistory = false, clock }: Once = {}): Metric {
    const properties = propertySet(clockProperty(clock));
    return {
      ...this.#who(metric),
      timestamp: stamp(timeMs),
      ...(isHistory ? { isHistorical: true } : {}),
      ...(properties === undefined ? {} : { properties }),
      value,
    };
  }

  encode(metric: KnownMetric, value: Value): MetricValue {
    return encodeValue(value, metric.type, (type) => this.#node.templates.nameOf(type));
  }

  #data(device: DeviceBook, { metric, timeMs, value, quality, status }: Timed, { isHistory, clock }: Once): Metric {
    const told = this.#told.get(metric);
    const isHistorical = isHistory === true || timeMs <= (told?.timeMs ?? Number.NEGATIVE_INFINITY);
    const isGood = quality === 'good';
    const isPlain = isGood && told?.isGood !== false;
    const ofValue = isPlain ? {} : qualityProperties(quality, status);
    const properties = propertySet({ ...ofValue, ...clockProperty(clock, told?.clock) });
    if (!isHistorical && told !== undefined)
      Object.assign(told, { timeMs, isGood, clock, knownMs: device.current(metric)?.timeMs });
    return {
      ...this.#who(metric),
      timestamp: stamp(timeMs),
      ...(isHistorical ? { isHistorical } : {}),
      ...(properties === undefined ? {} : { properties }),
      ...(value === null ? { isNull: true } : { value: this.encode(metric, value) }),
    };
  }

  #birth(metric: KnownMetric, current: Current | undefined): Metric {
    const { name, plan, type, signature } = metric;
    const { value = null, quality = 'uncertain', status, timeMs = this.#nowMs() } = current ?? {};
    const isGood = quality === 'good';
    const clock = this.#node.context.clock.isKnown === false ? 'unsynchronised' : undefined;
    const knownMs = current?.timeMs;
    this.#told.set(metric, { signature, timeMs: knownMs ?? Number.NEGATIVE_INFINITY, knownMs, isGood, clock });
    const known = isGood || metric.isFixed ? {} : qualityProperties(quality, status);
    const properties = propertySet({ ...(plan === undefined ? {} : pointProperties(plan)), ...known, ...clockProperty(clock) });
    return {
      name,
      ...this.#alias(metric),
      timestamp: stamp(timeMs),
      datatype: datatypeOf(type),
      ...(properties === undefined ? {} : { properties }),
      ...(value === null ? { isNull: true } : { value: this.encode(metric, value) }),
    };
  }

  /** A method shows which arguments it wants. */
  #current(device: DeviceBook, metric: KnownMetric): Current | undefined {
    if (methodOf(metric) === undefined) return device.current(metric);
    return { value: metric.type.kind === 'structure' ? {} : false, quality: 'good', timeMs: this.#nowMs() };
  }

  #identity({ plan }: DeviceBook): readonly Metric[] {
    const model = plan?.model === undefined ? {} : { Model: plan.model };
    const labels = Object.entries(plan?.labels ?? {}).map(([name, label]) => [`Labels/${name}`, label]);
    const timestamp = stamp(this.#nowMs());
    return Object.entries({ ...model, ...Object.fromEntries(labels) }).map(([name, value]) => ({
      name: `Properties/${name}`,
      timestamp,
      datatype: SCALARS.String,
      value: { case: 'stringValue', value: String(value) },
    }));
  }

  #who(metric: KnownMetric): Pick<Metric, 'name' | 'alias'> {
    return this.#node.settings.aliases ? { alias: metric.alias } : { name: metric.name };
  }

  #alias({ alias }: KnownMetric): Pick<Metric, 'alias'> {
    return this.#node.settings.aliases ? { alias } : {};
  }
}

function isLong(value: Value | null): boolean {
  return isCompound(value) || (typeof value === 'string' && value.length > MAX_BRIEF_TEXT);
}

function timedOf(metric: KnownMetric, startTimeMs: number, [offsetMs, value, quality = 'good', status]: TimedValue): Timed {
  return { metric, timeMs: startTimeMs + offsetMs, value, quality, status };
}

/** Whole milliseconds since 1970; there is nothing before. */
function stamp(ms: number): bigint {
  return BigInt(Math.max(0, Math.round(ms)));
}
