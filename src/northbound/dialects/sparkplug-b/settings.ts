import { z } from 'zod';
import { duration } from '../../../model/schema.ts';
import { brokerKeys } from '../mqtt/settings.ts';

/** Sparkplug 3.0 §4.1: what can stand in one level of a topic. */
const level = () => z.string().regex(/^[^+/#\p{C}]+$/u, 'a name without `+`, `/` and `#`');

export const settingsSchema = brokerKeys.extend({
  group: level().meta({ description: 'Group of the edge node (`group_id`)', examples: ['Plant A'] }),
  edgeNode: level()
    .optional()
    .meta({
      description:
        'Name of the edge node (`edge_node_id`), unique in its group. Default: the id of the gateway. Its devices are the twins',
      examples: ['line-3'],
    }),
  primaryHost: level()
    .optional()
    .meta({
      description:
        'Host application without which nothing is sent: while it is not online, messages wait in the spool. With several brokers the one it is online at is taken',
      examples: ['scada'],
    }),
  protocol: z
    .union([z.literal('3.1.1'), z.literal(5)])
    .default('3.1.1')
    .meta({ description: 'Version of MQTT. The text "3.1.1", or a number 5', examples: ['3.1.1', 5] }),
  aliases: z
    .boolean()
    .default(true)
    .meta({ description: 'Metrics are named in births only, and by number afterwards: smaller. `false` for hosts that cannot' }),
  rebirthAtMostEvery: duration()
    .prefault('5 s')
    .meta({ description: 'Births that hosts ask for more often are said once at the end of this time', examples: ['5 s'] }),
});

export type SparkplugSettings = z.output<typeof settingsSchema>;
