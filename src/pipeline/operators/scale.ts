import { z } from 'zod';
import { type DataType, isNumberType } from '../../model/data-type.ts';
import { GatewayError } from '../../model/error.ts';
import type { PointPlan } from '../../model/plan.ts';
import { describeType, mapType, scalarType } from '../../model/point-description.ts';
import { describeValue, isNumeric, mapScalars, type Value } from '../../model/value.ts';
import { mapReadings, type Step, withoutValue } from '../map-readings.ts';
import type { OperatorDefinition } from '../operator.ts';

const keys = z.object({
  scale: z
    .number()
    .refine((factor) => factor !== 0, 'a factor other than zero')
    .optional()
    .meta({
      description:
        'Factor from the number in the device to the engineering value: value = number × scale + offset; of an array each element',
      examples: [0.1, 0.01],
    }),
  offset: z
    .number()
    .optional()
    .meta({ description: 'Added after scaling, in the engineering unit', examples: [-40] }),
});

/** A scaled 64-bit integer becomes a double. Readings without a value pass. */
export const scale: OperatorDefinition = {
  name: 'scale',
  summary: 'Turns the number in the device into the engineering value; undone for writes.',
  keys,
  checkType({ scale: factor, offset }, type) {
    const scalar = scalarType(type);
    if ((factor === undefined && offset === undefined) || (scalar !== undefined && isNumberType(scalar))) return [];
    const key = factor === undefined ? 'offset' : 'scale';
    return [{ severity: 'error', key, message: `\`${key}\` is for numbers, not for ${describeType(type)}` }];
  },
  describe(given, point) {
    const { scale: factor = 1, offset = 0 } = given as z.output<typeof keys>;
    return [factor === 1 && offset === 0 ? point : { ...point, type: mapType(point.type ?? 'float64', () => 'float64') }];
  },
  create: (device) => mapReadings(device, createStep),
  step: createStep,
  invert(point, value) {
    const line = lineOf(point);
    if (line === undefined) return value;
    if (!isNumeric(value)) {
      throw new GatewayError('VALUE_TYPE', point.point.id, `a number was expected, got ${describeValue(value)}`);
    }
    return mapScalars(value, (number) => toDevice(point, line.undo(Number(number)))) ?? value;
  },
};

interface Line {
  apply(number: number): number;
  undo(value: number): number;
}

/** A factor like 0.1 has no exact double, its inverse has: dividing by 10 gives 0.3 where multiplying gives 0.30000000000000004. */
function lineOf(point: PointPlan): Line | undefined {
  const { scale: factor = 1, offset = 0 } = point.keys as z.output<typeof keys>;
  if (factor === 1 && offset === 0) return undefined;
  const divisor = Math.round(1 / factor);
  if (divisor !== 0 && 1 / divisor === factor) {
    return { apply: (number) => number / divisor + offset, undo: (value) => (value - offset) * divisor };
  }
  return { apply: (number) => number * factor + offset, undo: (value) => (value - offset) / factor };
}

function createStep(point: PointPlan): Step | undefined {
  const line = lineOf(point);
  if (line === undefined) return undefined;
  return (reading) => {
    const { value } = reading;
    if (value === null) return reading;
    if (!isNumeric(value)) return withoutValue(reading, 'BadTypeMismatch');
    return { ...reading, value: mapScalars(value, (number) => line.apply(Number(number))) };
  };
}

function toDevice({ point }: PointPlan, number: number): Value {
  if (!Number.isFinite(number)) throw new GatewayError('VALUE_OUT_OF_RANGE', point.id, `${number} cannot be written`);
  if (!isInteger(point.type)) return number;
  // Plus zero: no negative zero goes on a wire.
  return point.type.endsWith('64') ? BigInt(Math.round(number)) : Math.round(number) + 0;
}

function isInteger(type: DataType | undefined): type is DataType {
  return type?.includes('int') === true;
}
