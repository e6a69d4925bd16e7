import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataType } from '../../../src/model/data-type.ts';
import type { DevicePlan, MethodPlan, PointPlan, WriteRule } from '../../../src/model/plan.ts';
import type { Point } from '../../../src/model/point.ts';
import type { Reading } from '../../../src/model/reading.ts';
import type { Stored, TimedValue, TwinMessage } from '../../../src/model/twin-message.ts';
import type { Value } from '../../../src/model/value.ts';
import type { Dialect } from '../../../src/northbound/dialect.ts';
import { sparkplugB } from '../../../src/northbound/dialects/sparkplug-b/definition.ts';
import { createSparkplugDialect } from '../../../src/northbound/dialects/sparkplug-b/dialect.ts';
import { createMqttHub } from '../../../src/northbound/mqtt-hub.ts';
import { type Clock, systemClock } from '../../../src/runtime/clock.ts';
import { StrictHost } from '../../support/sparkplug/host.ts';
import { device, dialectContext } from '../plant.ts';

export const T0 = Date.UTC(2026, 0, 1);
export const NEVER = new AbortController().signal;

export interface PointOptions {
  readonly type?: DataType;
  readonly kind?: Point['kind'];
  readonly unit?: string;
  readonly keys?: Readonly<Record<string, unknown>>;
  readonly write?: WriteRule;
}

export function pointOf(
  twin: string,
  name: string,
  { type, kind = 'telemetry', unit, keys = {}, write }: PointOptions = {},
): PointPlan {
  const point: Point = {
    ...{ id: `${twin}/${name}`, device: twin, name, address: undefined, kind, intervalMs: 1_000 },
    access: write === undefined ? 'read' : 'read-write',
    ...(type === undefined ? {} : { type }),
    ...(unit === undefined ? {} : { unit }),
  };
  return { point, keys, ...(write === undefined ? {} : { write }) };
}

export function deviceWith(
  twin: string,
  points: Readonly<Record<string, PointOptions>>,
  more: Partial<DevicePlan> = {},
): DevicePlan {
  return { ...device(twin), points: Object.entries(points).map(([name, options]) => pointOf(twin, name, options)), ...more };
}

export const START: MethodPlan = {
  name: 'startProgram',
  settings: {},
  arguments: [
    { name: 'program', type: 'int32', isArray: false },
    { name: 'speeds', type: 'float64', isArray: true },
  ],
};

/** A press with a bit of everything, and a meter. */
export const DEVICES: readonly DevicePlan[] = [
  deviceWith(
    'press-07',
    {
      temperature: { type: 'float32', unit: 'degreeCelsius', keys: { range: { min: -40, max: 150 } } },
      parts: { type: 'uint64' },
      running: { type: 'boolean', kind: 'property' },
      mode: { type: 'uint16', kind: 'property', keys: { labels: { 0: 'stopped', 1: 'running' } } },
      setpoint: { type: 'int16', write: { min: -100, max: 1_500 } },
      recipe: { kind: 'property' },
      log: { kind: 'property' },
    },
    {
      model: 'dtmi:com:acme:Press;1',
      labels: { line: 'l3' },
      events: [{ name: 'overTemperature', settings: {} }],
      methods: [START],
    },
  ),
  deviceWith('meter-01', { energy: { type: 'float64', unit: 'kilowattHour' } }),
];

/** What the gateway has read last. */
export class Field {
  readonly #latest = new Map<Point, Reading>();
  readonly #devices: readonly DevicePlan[];

  constructor(devices: readonly DevicePlan[]) {
    this.#devices = devices;
  }

  read(twin: string, name: string, value: Value | null, sourceTimeMs: number, status?: string): void {
    const plan = this.#devices.find((one) => one.twin === twin)?.points.find(({ point }) => point.name === name);
    if (plan === undefined) throw new Error(`no point ${twin}/${name}`);
    const quality = status === undefined ? { quality: 'good' as const } : { quality: 'bad' as const, status };
    this.#latest.set(plan.point, { point: plan.point, value, sourceTimeMs, ...quality });
  }

  /** Nothing of the device can be read any more. */
  lose(twin: string, atMs: number, status = 'BadCommunicationError'): void {
    for (const { point } of this.#devices.find((one) => one.twin === twin)?.points ?? [])
      this.read(twin, point.name, null, atMs, status);
  }

  readonly latest = (point: Point): Reading | undefined => this.#latest.get(point);
}

export interface EdgeOptions {
  readonly devices?: readonly DevicePlan[];
  readonly clock?: Clock;
  readonly stateDirectory?: string;
}

export interface Edge {
  readonly field: Field;
  readonly dialect: Dialect;
  readonly stateDirectory: string;
}

/** The edge node `gw-01` of the group `plant-a`. */
export async function edge(settings: Readonly<Record<string, unknown>>, options: EdgeOptions = {}): Promise<Edge> {
  const { devices = DEVICES, clock = systemClock } = options;
  const stateDirectory = options.stateDirectory ?? (await mkdtemp(join(tmpdir(), 'sparkplug-')));
  const short = { connectTimeout: '4 s', acknowledgeTimeout: '4 s', rebirthAtMostEvery: '200 ms' };
  const parsed = sparkplugB.settings.parse({ group: 'plant-a', ...short, ...settings });
  const field = new Field(devices);
  const context = { ...dialectContext(devices), latest: field.latest, clock, stateDirectory };
  const dialect = createSparkplugDialect({ name: 'cloud', dialect: 'sparkplug-b', settings: parsed }, context);
  return { field, dialect, stateDirectory };
}

export function hubOf({ dialect }: Pick<Edge, 'dialect'>, clock: Clock = systemClock) {
  return createMqttHub('cloud', dialect, clock);
}

export function host(): StrictHost {
  return new StrictHost('plant-a', 'gw-01');
}

let sequence = 0;

/** As it leaves the spool. */
export function message(twin: string, more: Partial<TwinMessage>): Stored {
  sequence += 1;
  const whole: TwinMessage = { twin, kind: 'telemetry', startTimeMs: T0, values: {}, ...more };
  return { class: 'telemetry', offset: sequence * 10, sequence, epoch: 'e1', message: whole };
}

export function values(twin: string, startTimeMs: number, all: Readonly<Record<string, readonly TimedValue[]>>): Stored {
  return message(twin, { startTimeMs, values: all });
}
