import { z } from 'zod';
import type { PointPlan } from '../../model/plan.ts';
import { isNumber, type Scalar, someScalar } from '../../model/value.ts';
import { mapReadings, type Step, worsen } from '../map-readings.ts';
import type { OperatorDefinition } from '../operator.ts';

const keys = z.object({
  range: z
    .strictObject({
      min: z
        .number()
        .optional()
        .meta({ description: 'Smallest value that can be true', examples: [-40] }),
      max: z
        .number()
        .optional()
        .meta({ description: 'Largest value that can be true', examples: [150] }),
    })
    .refine(({ min, max }) => min !== undefined || max !== undefined, '`min`, `max` or both')
    .refine(({ min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY }) => min < max, '`min` below `max`')
    .optional()
    .meta({
      description:
        'What the engineering value can be; of an array or a structure each number. A value outside is sent with quality uncertain and status UncertainEngineeringUnitsExceeded',
      examples: [{ min: -40, max: 150 }],
    }),
});

export const range: OperatorDefinition = {
  name: 'range',
  summary: 'Makes values uncertain that cannot be true.',
  keys,
  describe(given, point) {
    const { min, max } = (given as z.output<typeof keys>).range ?? {};
    return [{ ...point, ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) }];
  },
  create: (device) => mapReadings(device, rangeStep),
  step: rangeStep,
};

/** Also for derived points, which are computed after the others were checked. */
export function rangeStep(point: PointPlan): Step | undefined {
  const limits = (point.keys as z.output<typeof keys>).range;
  if (limits === undefined) return undefined;
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = limits;
  const isOutside = (scalar: Scalar) => isNumber(scalar) && (scalar < min || scalar > max);
  return (reading) =>
    someScalar(reading.value, isOutside) ? worsen(reading, 'uncertain', 'UncertainEngineeringUnitsExceeded') : reading;
}
