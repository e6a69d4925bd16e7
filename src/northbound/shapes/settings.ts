import { z } from 'zod';

const cloudevents = z.strictObject({
  mode: z.enum(['structured', 'binary']).default('structured').meta({
    description:
      '`structured`: one JSON object. `binary`: the message is the payload, what CloudEvents says of it stands in user properties (MQTT 5)',
  }),
});

/** `shape:` of a hub. A name alone takes the defaults. */
export function shapeSetting() {
  return z
    .union([
      z.enum(['twin', 'expanded', 'cloudevents']),
      z.strictObject({ cloudevents: cloudevents.meta({ description: 'CloudEvents 1.0' }) }),
    ])
    .default('twin')
    .meta({
      description:
        'How messages look. `twin`: values by name, times as offsets, small. `expanded`: a list of points with full times, larger. `cloudevents`: the message of `twin` as the data of a CloudEvent',
      examples: ['expanded', { cloudevents: { mode: 'binary' } }],
    });
}

export type ShapeSetting = z.output<ReturnType<typeof shapeSetting>>;
