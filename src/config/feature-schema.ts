import { z } from 'zod';
import { DATA_TYPES } from '../model/data-type.ts';
import { duration } from '../model/schema.ts';
import { precautionKeys, writeValue } from './mapping-schema.ts';

const description = z
  .string()
  .max(1000)
  .optional()
  .meta({ description: 'For people', examples: ['Raised when a door is opened while the press runs'] });

/** The keys of an entry of `events` that no protocol declares. */
export const eventKeys = z.strictObject({ description });

/** The keys of one entry of the `arguments` of a method. */
export const argumentKeys = z.strictObject({
  type: z.enum([...DATA_TYPES, 'structure']).meta({
    description:
      'What the device takes. `structure`: an object with every field that the device declares, of which each part has to keep to the limits',
    examples: ['uint16'],
  }),
  array: z.boolean().default(false).meta({ description: 'A list of such values; the limits hold for each' }),
  min: z
    .number()
    .optional()
    .meta({ description: 'Least value that is given', examples: [1] }),
  max: z
    .number()
    .optional()
    .meta({ description: 'Greatest value that is given', examples: [99] }),
  values: z
    .array(writeValue)
    .min(1)
    .optional()
    .meta({ description: 'The only values that are given', examples: [['cold', 'warm']] }),
  description,
});

/** The keys of an entry of `methods` that no protocol declares. */
export const methodKeys = z.strictObject({
  arguments: z
    .record(z.string(), argumentKeys)
    .default({})
    .meta({
      description: 'What has to be given with a call, by name, in the order in which the device takes it',
      examples: [{ program: { type: 'uint16', min: 1, max: 99 } }],
    }),
  atMostEvery: duration()
    .optional()
    .meta({ description: 'Least time between two calls', examples: ['5 s'] }),
  onlyIf: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'Expression over the points of the device that must be true', examples: ['doorShut == true'] }),
  ...precautionKeys,
  description,
});
