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

const template = z.strictObject({
  each: z.enum(['message', 'time', 'value']).default('message').meta({
    description:
      'One packet for each message, for each time of it, or for each value. Names for all: gateway, twin, model, kind, class, id, seq, epoch, sent, history, time, timeMs, clock, correctedByMs, sentClock, and labels. `message`: values (the last of each point), points (all, as in `expanded`). `time`: values, quality, statuses. `value`: point, value, quality, status, unit',
  }),
  body: z.union([z.string().min(1), z.record(z.string(), z.unknown()), z.array(z.unknown())]).meta({
    description:
      'What is sent for values, with names in braces. A map or list becomes JSON, and a text in it that is only a name, `"{value}"`, becomes what that stands for, as number, map or list. A text becomes a line of text. `{{` is a brace. Events, gaps and status look as with `twin`',
    examples: [{ ts: '{timeMs}', values: '{values}' }, '{twin}.{point} {value} {timeMs}'],
  }),
  contentType: z
    .string()
    .regex(/^[\w.+-]+\/[\w.+-]+(?:; ?[\w-]+=[\w.+-]+)*$/, 'a media type, e.g. `application/json`')
    .optional()
    .meta({ description: 'Told on MQTT 5. Default: JSON, of a text plain text', examples: ['application/senml+json'] }),
});

/** `shape:` of a hub. A name alone takes the defaults. */
export function shapeSetting() {
  return z
    .union([
      z.enum(['twin', 'expanded', 'pnp', 'cloudevents', 'opcua-pubsub-json']),
      z.strictObject({ cloudevents: cloudevents.meta({ description: 'CloudEvents 1.0' }) }),
      z.strictObject({ ditto: ditto.meta({ description: 'Eclipse Ditto' }) }),
      z.strictObject({ template: template.meta({ description: 'A body of your own' }) }),
    ])
    .default('twin')
    .meta({
      description:
        'How messages look. `twin`: values by name, times as offsets, small. `expanded`: a list of points with full times, larger. `pnp`: IoT Plug and Play, a flat object for each time. `cloudevents`: the message of `twin` as the data of a CloudEvent. `opcua-pubsub-json`: OPC UA PubSub, with the metadata of each twin retained after each connect. `ditto`: commands of Eclipse Ditto that merge the values into a thing. `template`: what you write',
      examples: ['expanded', { cloudevents: { mode: 'binary' } }, { ditto: { namespace: 'com.example' } }],
    });
}

export type ShapeSetting = z.output<ReturnType<typeof shapeSetting>>;
