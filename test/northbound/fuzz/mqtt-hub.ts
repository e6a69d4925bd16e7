import type { IPublishPacket } from 'mqtt-packet';
import { SinkBroker } from '../../support/sink-broker.ts';
import { commandBody } from './command-bodies.ts';
import { type HostileHub, TWIN } from './hostile-hub.ts';
import { below, noise, pick, type Random } from './random.ts';

const TOPIC = `gw-01/${TWIN}/command`;

export async function startMqttHub(): Promise<HostileHub> {
  const broker = await SinkBroker.start();
  return {
    settings: { dialect: 'mqtt', url: broker.url },
    isListenedTo: () => broker.subscriptions.length > 0 && broker.messages.length > 0,
    attack(random, index) {
      const topic = random() < 0.9 ? TOPIC : pick(random, TOPICS)(random);
      const properties = random() < 0.5 ? pick(random, PROPERTIES)(random) : {};
      broker.send(topic, commandBody(random, `f${index}`), { qos: 0, retain: random() < 0.1, properties });
      return 'command';
    },
    order: (id) => broker.send(TOPIC, JSON.stringify({ id, desired: { speed: 900 } })),
    ownNews: 0,
    faults: broker.violations,
    get connections() {
      return broker.connects.length;
    },
    forget: () => broker.forget(),
    stop: () => broker.stop(),
  };
}

const TOPICS: readonly ((random: Random) => string)[] = [
  () => `${TOPIC}/more`,
  () => TOPIC.toUpperCase(),
  () => 'gw-01/press-99/command',
  () => '$SYS/broker/command',
  () => '__proto__',
  (random) => 'a/'.repeat(below(random, 500) + 1),
  () => '/',
];

type Properties = NonNullable<IPublishPacket['properties']>;

const PROPERTIES: readonly ((random: Random) => Properties)[] = [
  () => ({ responseTopic: TOPIC }),
  () => ({ responseTopic: '$SYS/x' }),
  () => ({ responseTopic: 'constructor', correlationData: Buffer.alloc(0) }),
  (random) => ({ responseTopic: 'r'.repeat(1 + below(random, 3_000)) }),
  (random) => ({ correlationData: noise(random, below(random, 60_000)) }),
  () => ({ messageExpiryInterval: 0 }),
  () => ({ messageExpiryInterval: 2 ** 32 - 1, contentType: 'application/x-nothing' }),
  () => ({ userProperties: { __proto__: 'x', constructor: ['a', 'b'], '': '' } }),
  () => ({ userProperties: Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`k${at}`, 'v'.repeat(50)])) }),
  () => ({ subscriptionIdentifier: 268_435_455, payloadFormatIndicator: true }),
  (random) => ({ topicAlias: 1 + below(random, 32) }),
];
