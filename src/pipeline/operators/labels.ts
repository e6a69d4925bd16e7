import { z } from 'zod';
import { GatewayError } from '../../model/error.ts';
import type { PointPlan } from '../../model/plan.ts';
import type { Point } from '../../model/point.ts';
import type { Value } from '../../model/value.ts';
import { mapReadings, type Step, withoutValue, worsen } from '../map-readings.ts';
import type { OperatorDefinition } from '../operator.ts';

const keys = z.object({
  labels: z
    .record(z.string().regex(/^(-?\d+|true|false)$/, 'a whole number, `true` or `false`'), z.string().min(1))
    .refine((labels) => new Set(Object.values(labels)).size === Object.keys(labels).length, 'each label once')
    .optional()
    .meta({
      description:
        'Text for each number or boolean; the text is sent instead. A number without a label is sent as text, with quality uncertain',
      examples: [{ 0: 'stopped', 1: 'running' }],
    }),
});

export const labels: OperatorDefinition = {
  name: 'labels',
  summary: 'Replaces numbers by the words they stand for; undone for writes.',
  keys,
  check({ labels: words, scale, offset, range }) {
    if (words === undefined || (scale === undefined && offset === undefined && range === undefined)) return [];
    return [
      {
        severity: 'error',
        key: 'labels',
        message: '`labels` stand for the numbers in the device; `scale`, `offset` and `range` cannot stand beside them',
      },
    ];
  },
  create: (device) => mapReadings(device, createStep),
  step: createStep,
  invert(point, value) {
    const words = labelsOf(point);
    if (words === undefined) return value;
    const found = Object.entries(words).find(([key, word]) => word === value || key === String(value));
    if (found !== undefined) return toDevice(point.point, found[0]);
    const known = Object.values(words).join(', ');
    throw new GatewayError('VALUE_OUT_OF_RANGE', point.point.id, `one of ${known} was expected, got ${String(value)}`);
  },
};

function labelsOf(point: PointPlan): Readonly<Record<string, string>> | undefined {
  return (point.keys as z.output<typeof keys>).labels;
}

function createStep(point: PointPlan): Step | undefined {
  const words = labelsOf(point);
  if (words === undefined) return undefined;
  const byText = new Map(Object.entries(words));
  return (reading) => {
    const { value } = reading;
    if (value === null) return reading;
    if (typeof value === 'string') return withoutValue(reading, 'BadTypeMismatch');
    const word = byText.get(String(value)) ?? (typeof value === 'boolean' ? byText.get(value ? '1' : '0') : undefined);
    if (word !== undefined) return { ...reading, value: word };
    return worsen({ ...reading, value: String(value) }, 'uncertain', 'UncertainEngineeringUnitsExceeded');
  };
}

function toDevice(point: Point, key: string): Value {
  if (key === 'true' || key === 'false') return key === 'true';
  if (point.type === 'boolean') return key !== '0';
  return point.type?.endsWith('int64') === true ? BigInt(key) : Number(key);
}
