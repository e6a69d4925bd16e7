import { z } from 'zod';

const cloudevents = z.strictObject({
  mode: z.enum(['structured', 'binary']).default('structured').meta({
    description:
      '`structured`: one JSON object. `binary`: the message is the payload, what CloudEvents says of it stands in user properties (MQTT 5)',
  }),
});

const ditto = z.strictObject({
  namespace: z
    .string()
    .regex(/^[A-Za-z]\w*(?:[.-][A-Za-z]\w*)*$/, 'a namespace such as `com.example`')
    .meta({ description: 'Of the things: a twin is the thing `namespace:twin`', examples: ['com.example'] }),
});

/** `shape:` of a hub. A name alone takes the defaults. */
export function shapeSetting() {
  return z
    .union([
      z.enum(['twin', 'expanded', 'pnp', 'cloudevents', 'opcua-pubsub-json']),
      z.strictObject({ cloudevents: cloudevents.meta({ description: 'CloudEvents 1.0' }) }),
      z.strictObject({ ditto: ditto.meta({ description: 'Eclipse Ditto' }) }),
    ])
    .default('twin')
    .meta({
      description:
        'How messages look. `twin`: values by name, times as offsets, small. `expanded`: a list of points with full times, larger. `pnp`: IoT Plug and Play, a flat object for each time. `cloudevents`: the message of `twin` as the data of a CloudEvent. `opcua-pubsub-json`: OPC UA PubSub, with the metadata of each twin retained after each connect. `ditto`: commands of Eclipse Ditto that merge the values into a thing',
      examples: ['expanded', { cloudevents: { mode: 'binary' } }, { ditto: { namespace: 'com.example' } }],
    });
}

export type ShapeSetting = z.output<ReturnType<typeof shapeSetting>>;
