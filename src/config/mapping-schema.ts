import { z } from 'zod';
import { DATA_TYPES } from '../model/data-type.ts';
import { byteSize, duration } from '../model/schema.ts';
import { identifier, labels, modelId } from './names.ts';

const hubName = identifier();

const hub = z.union([
  hubName,
  z.array(hubName).min(1),
  z.strictObject({
    telemetry: hubName.or(z.array(hubName).min(1)).optional().meta({ description: 'Hubs that get streamed values' }),
    property: hubName.or(z.array(hubName).min(1)).optional().meta({ description: 'Hubs that get reported properties' }),
    event: hubName.or(z.array(hubName).min(1)).optional().meta({ description: 'Hubs that get events' }),
    status: hubName.or(z.array(hubName).min(1)).optional().meta({ description: 'Hubs that get the status of the device' }),
  }),
]);

export type HubChoice = z.output<typeof hub>;

const twin = identifier();

/** What may be written or given. */
export const writeValue = z.union([z.boolean(), z.number(), z.string()]);

const changeableKeys = z.strictObject({
  interval: z
    .strictObject({
      min: duration()
        .refine((ms) => ms >= 1, 'at least `1 ms`')
        .meta({ description: 'Shortest that may be set' }),
      max: duration().meta({ description: 'Longest that may be set' }),
    })
    .refine(({ min, max }) => min <= max, '`min` is not greater than `max`')
    .optional()
    .meta({ description: 'How often points are read. Their connection is then opened anew' }),
  deadband: z
    .strictObject({
      min: z.number().nonnegative().default(0).meta({ description: 'Least that may be set' }),
      max: z.number().nonnegative().meta({ description: 'Most that may be set' }),
    })
    .refine(({ min, max }) => min <= max, '`min` is not greater than `max`')
    .optional()
    .meta({ description: 'The deadband of points that have one (`send`)' }),
});

const deadManKeys = z.strictObject({
  hub: hubName
    .or(z.array(hubName).min(1))
    .optional()
    .meta({
      description: 'Hub that has to be there, or hubs of which one has to. Default: every hub of the device',
      examples: ['cloud'],
    }),
  after: duration()
    .refine((ms) => ms >= 1_000, 'at least `1 s`')
    .meta({ description: 'How long it is away, from the start of the gateway on', examples: ['10 min'] }),
  write: z
    .record(z.string(), writeValue)
    .refine((values) => Object.keys(values).length > 0, 'at least one point with its value')
    .meta({
      description: 'Engineering values by point; each point has a `write:` that lets them',
      examples: [{ speedSetpoint: 0 }],
    }),
});

export type DeadManKeys = z.output<typeof deadManKeys>;

/** The keys of a mapping that no plug-in declares. `connection`, `defaults`, `instances` and `points` are composed from the declarations. */
export const mappingKeys = z.strictObject({
  $schema: z.string().optional().meta({ description: 'Where an editor finds the JSON Schema of this file' }),
  twin: twin.optional().meta({
    description: 'Name of the device in every message and metric. Stands in each of the `instances` where there are any',
    examples: ['press-07'],
  }),
  model: modelId()
    .optional()
    .meta({ description: 'DTDL model of the twin', examples: ['dtmi:com:acme:Press;1'] }),
  hub: hub.optional().meta({
    description:
      'Hub, list of hubs, or hubs by kind of message (a kind not named goes to every hub named). May be left out where there is only one hub',
    examples: ['cloud', ['cloud', 'historian'], { telemetry: 'historian', property: ['cloud', 'historian'] }],
  }),
  labels: labels()
    .default({})
    .meta({ description: 'Enrich every message of the twin; stronger than those of the gateway', examples: [{ cell: '4' }] }),
  cloudMayChange: changeableKeys.optional().meta({
    description: 'What a command may set of the points, until the gateway starts anew. Default: nothing',
    examples: [{ interval: { min: '500 ms', max: '1 min' }, deadband: { max: 5 } }],
  }),
  deadMan: deadManKeys.optional().meta({
    description:
      'Values that are written once, and told, when the cloud was away for too long. They stay until somebody writes others',
    examples: [{ after: '10 min', write: { speedSetpoint: 0 } }],
  }),
  message: z
    .strictObject({
      maxBytes: byteSize()
        .optional()
        .meta({
          description:
            'A message is closed before it is larger. Default: `100 kB`, or what fills one chunk of a hub that bills by chunks',
          examples: ['20 kB'],
        }),
      maxAge: duration()
        .prefault('5 s')
        .meta({ description: 'A message is closed when its first value is so old', examples: ['1 s'] }),
    })
    .prefault({})
    .meta({ description: 'When a message is closed and given to the spool' }),
});

/** What an instance may say for itself, beside `connection`. */
export const instanceKeys = z.strictObject({
  twin: twin.meta({ description: 'Name of this device', examples: ['press-08'] }),
  model: modelId()
    .optional()
    .meta({ description: 'Instead of the model of the mapping', examples: ['dtmi:com:acme:Press;2'] }),
  labels: labels()
    .default({})
    .meta({ description: 'Added to the labels of the mapping', examples: [{ cell: '5' }] }),
});

/** `connection: { name: … }` */
export const sharedConnectionKeys = z.strictObject({
  name: identifier().meta({ description: 'Name of one of the `connections` in `gateway.yaml`', examples: ['hall-3'] }),
});

/** What a point to be written and a method to be called have in common. */
export const precautionKeys = {
  maxAge: duration()
    .optional()
    .meta({
      description: 'Greatest age of a computed value in `onlyIf`. Every other value is read from the device at that moment',
      examples: ['5 s'],
    }),
  expires: duration()
    .optional()
    .meta({ description: 'How long a command lives that names no end itself. Default: 30 s', examples: ['10 s'] }),
  approval: z
    .union([z.literal('required'), z.strictObject({ within: duration().meta({ description: 'Longest wait for it' }) })])
    .optional()
    .meta({
      description:
        'Another person than the one who asks has to approve, within 5 min or the time told; until then nothing is done',
      examples: ['required', { within: '2 min' }],
    }),
};

/** As the plan has them. */
export function precautionsOf({ maxAge: maxAgeMs, expires: expiresMs, approval }: PrecautionKeys) {
  const approveWithinMs = approval === 'required' ? 300_000 : approval?.within;
  return { maxAgeMs, expiresMs, approveWithinMs };
}

type PrecautionKeys = { [K in keyof typeof precautionKeys]?: z.output<(typeof precautionKeys)[K]> };

export const writeKeys = z.strictObject({
  min: z
    .number()
    .optional()
    .meta({ description: 'Least engineering value that is written', examples: [0] }),
  max: z
    .number()
    .optional()
    .meta({ description: 'Greatest engineering value that is written', examples: [1500] }),
  step: z
    .number()
    .positive()
    .optional()
    .meta({ description: 'Only values whole steps away from `min`, or from 0, are written', examples: [0.5] }),
  values: z
    .array(writeValue)
    .min(1)
    .optional()
    .meta({ description: 'The only values that are written', examples: [[0, 1, 4]] }),
  atMostEvery: duration()
    .optional()
    .meta({ description: 'Least time between two writes', examples: ['5 s'] }),
  onlyIf: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: 'Expression over the other points of the device that must be true',
      examples: ['emergencyStop == false'],
    }),
  confirmWithin: duration()
    .refine((ms) => ms <= MAX_CONFIRM_MS, 'at most `60 s`')
    .optional()
    .meta({
      description: 'The value is read back until the device shows it, so long at most. Default: read back once',
      examples: ['2 s'],
    }),
  ...precautionKeys,
});

/** No other command reaches the device meanwhile. */
const MAX_CONFIRM_MS = 60_000;

/** The keys of a point that neither its protocol nor an operator declares. */
export const pointKeys = z.strictObject({
  type: z
    .enum(DATA_TYPES)
    .optional()
    .meta({ description: 'What the device holds. Needed where the device does not tell it (Modbus)', examples: ['float32'] }),
  interval: duration()
    .prefault('1 s')
    .refine((ms) => ms >= 1, 'at least `1 ms`')
    .meta({ description: 'How often the value is read, or sampled by the server', examples: ['100 ms'] }),
  unit: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .meta({ description: 'Engineering unit after scaling, as DTDL or UCUM name it', examples: ['degreeCelsius'] }),
  description: z
    .string()
    .max(1000)
    .optional()
    .meta({ description: 'For people', examples: ['Oil in the main tank'] }),
  as: z
    .enum(['telemetry', 'property'])
    .default('telemetry')
    .meta({ description: '`telemetry` is streamed, `property` is reported on change' }),
  write: writeKeys.optional().meta({
    description: 'Makes the point writable from the cloud, within these limits. Without it nothing is written',
    examples: [{ min: 0, max: 1500, atMostEvery: '5 s' }],
  }),
});

export type PointKeys = z.output<typeof pointKeys>;
