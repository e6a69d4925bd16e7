import { z } from 'zod';
import { isNumberType } from '../../model/data-type.ts';
import { GatewayError } from '../../model/error.ts';
import type { PointPlan } from '../../model/plan.ts';
import type { Point } from '../../model/point.ts';
import { describeType, mapType, scalarType } from '../../model/point-description.ts';
import { describeValue, isScalarOrArray, mapScalars, type Scalar, someScalar, type Value } from '../../model/value.ts';
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
  checkType({ labels: words }, type) {
    const scalar = scalarType(type);
    if (words === undefined || (scalar !== undefined && (isNumberType(scalar) || scalar === 'boolean'))) return [];
    const hint = scalar === undefined ? 'a point of its own for the part that has words' : undefined;
    const message = `\`labels\` stand for numbers, not for ${describeType(type)}`;
    return [{ severity: 'error', key: 'labels', message, ...(hint === undefined ? {} : { hint }) }];
  },
  describe(given, point) {
    const { labels: words } = given as z.output<typeof keys>;
    return [words === undefined ? point : { ...point, type: mapType(point.type ?? 'string', () => 'string'), words }];
  },
  create: (device) => mapReadings(device, createStep),
  step: createStep,
  invert(point, value) {
    const words = labelsOf(point);
    if (words === undefined) return value;
    if (!isScalarOrArray(value)) throw unknownLabel(point, words, value);
    return mapScalars(value, (scalar) => numberOf(point, words, scalar)) ?? value;
  },
};

function labelsOf(point: PointPlan): Readonly<Record<string, string>> | undefined {
  return (point.keys as z.output<typeof keys>).labels;
}

function numberOf(point: PointPlan, words: Readonly<Record<string, string>>, value: Scalar): Value {
  const found = Object.entries(words).find(([key, word]) => word === value || key === String(value));
  if (found === undefined) throw unknownLabel(point, words, value);
  return toDevice(point.point, found[0]);
}

function unknownLabel({ point }: PointPlan, words: Readonly<Record<string, string>>, value: Value): GatewayError {
  const known = Object.values(words).join(', ');
  return new GatewayError('VALUE_OUT_OF_RANGE', point.id, `one of ${known} was expected, got ${describeValue(value)}`);
}

function createStep(point: PointPlan): Step | undefined {
  const words = labelsOf(point);
  if (words === undefined) return undefined;
  const byText = new Map(Object.entries(words));
  const wordOf = (value: Scalar) =>
    byText.get(String(value)) ?? (typeof value === 'boolean' ? byText.get(value ? '1' : '0') : undefined);
  return (reading) => {
    const { value } = reading;
    if (value === null) return reading;
    if (!isScalarOrArray(value) || someScalar(value, isText)) return withoutValue(reading, 'BadTypeMismatch');
    const labelled = { ...reading, value: mapScalars(value, (scalar) => wordOf(scalar) ?? String(scalar)) };
    const isKnown = !someScalar(value, (scalar) => wordOf(scalar) === undefined);
    return isKnown ? labelled : worsen(labelled, 'uncertain', 'UncertainEngineeringUnitsExceeded');
  };
}

function isText(scalar: Scalar): boolean {
  return typeof scalar === 'string';
}

function toDevice(point: Point, key: string): Value {
  if (key === 'true' || key === 'false') return key === 'true';
  if (point.type === 'boolean') return key !== '0';
  return point.type?.endsWith('int64') === true ? BigInt(key) : Number(key);
}
