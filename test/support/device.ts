import type { DataType } from '../../src/model/data-type.ts';
import type { DevicePlan, PointPlan } from '../../src/model/plan.ts';
import type { Reading } from '../../src/model/reading.ts';
import type { Value } from '../../src/model/value.ts';
import { operators } from '../../src/pipeline/operators/index.ts';

/** A device as a test writes it: keys of operators as in a mapping file, everything else with a default. */
export interface DeviceSketch {
  readonly twin?: string;
  readonly model?: string;
  readonly points: Readonly<Record<string, PointSketch>>;
  readonly hubs?: Partial<DevicePlan['hubs']>;
  readonly message?: Partial<DevicePlan['message']>;
}

export interface PointSketch extends Readonly<Record<string, unknown>> {
  readonly as?: 'property';
  readonly type?: DataType;
  readonly unit?: string;
  readonly intervalMs?: number;
}

export function deviceOf(sketch: DeviceSketch): DevicePlan {
  const { twin = 'press-07', model } = sketch;
  const cloud = ['cloud'];
  return {
    twin,
    ...(model === undefined ? {} : { model }),
    labels: {},
    connection: 'line',
    settings: {},
    points: Object.entries(sketch.points).map(([name, point]) => pointOf(twin, name, point)),
    hubs: { telemetry: cloud, property: cloud, event: cloud, gap: cloud, status: cloud, ...sketch.hubs },
    message: { maxBytes: 4_000, maxAgeMs: 5_000, ...sketch.message },
  };
}

function pointOf(device: string, name: string, sketch: PointSketch): PointPlan {
  const { as, type, unit, intervalMs = 1_000, ...written } = sketch;
  const keys: Record<string, unknown> = {};
  for (const operator of operators) Object.assign(keys, operator.keys.parse(written));
  return {
    point: {
      id: `${device}/${name}`,
      device,
      name,
      address: written.expression === undefined ? {} : undefined,
      ...(type === undefined ? {} : { type }),
      ...(unit === undefined ? {} : { unit }),
      access: 'read',
      kind: as ?? 'telemetry',
      intervalMs,
    },
    keys,
  };
}

/** `[name, time in milliseconds, value, quality?, status?]` */
export type ReadingSketch = readonly [
  name: string,
  timeMs: number,
  value: Value | null,
  quality?: Reading['quality'],
  status?: string,
];

export function readingOf(device: DevicePlan, [name, sourceTimeMs, value, quality = 'good', status]: ReadingSketch): Reading {
  const plan = device.points.find(({ point }) => point.name === name);
  if (plan === undefined) throw new Error(`the device has no point ${name}`);
  return { point: plan.point, value, quality, sourceTimeMs, ...(status === undefined ? {} : { status }) };
}

export function sketchOf({ point, sourceTimeMs, value, quality, status }: Reading): ReadingSketch {
  if (quality === 'good') return [point.name, sourceTimeMs, value];
  return [point.name, sourceTimeMs, value, quality, ...(status === undefined ? [] : ([status] as const))] as ReadingSketch;
}
