import { z } from 'zod';
import { certificateFile, duration, secret } from '../../../model/schema.ts';
import { compressSetting } from '../../compress.ts';
import { limitsSchema } from '../../delivery-limits.ts';
import { privateKeySetting } from '../../key-settings.ts';
import { pinSetting } from '../../pin-settings.ts';
import { proxySchema } from '../../proxy-settings.ts';
import { shapeSetting } from '../../shapes/settings.ts';
import { expireAfterSetting } from './expiry.ts';

const NAMES = 'Names in braces: gateway, twin, kind, and any label of the gateway or the twin';

const passwordUser = z.strictObject({
  username: z
    .string()
    .min(1)
    .meta({ description: 'User name at the broker', examples: ['gw3'] }),
  password: secret().meta({ description: 'Password at the broker', examples: ['!secret historian-password'] }),
});

const certificateUser = z.strictObject({
  certificate: certificateFile().meta({ description: 'Client certificate, PEM, with its chain', examples: ['hub.crt'] }),
  privateKey: privateKeySetting(),
});

const commands = z.strictObject({
  topic: z
    .string()
    .default('{gateway}/{twin}/command')
    .meta({ description: 'Where commands for a twin arrive. Must hold `{twin}`', examples: ['{site}/{twin}/command'] }),
  results: z
    .string()
    .default('{gateway}/{twin}/result')
    .meta({
      description: 'Where their results go, unless the command names a response topic',
      examples: ['{site}/{twin}/result'],
    }),
});

const brokerUrl = z
  .string()
  .regex(
    /^(mqtts?:\/\/[^\s/?#@]+\/?|wss?:\/\/[^\s/?#@]+(\/[^\s?#@]*)?)$/,
    'an address such as `mqtts://broker.example:8883`; user and password stand in `auth`',
  );

export const settingsSchema = z.object({
  url: z
    .union([brokerUrl, z.array(brokerUrl).min(1).max(8)])
    .transform((urls) => (typeof urls === 'string' ? [urls] : urls))
    .meta({
      description:
        'Broker: `mqtts://host:port` (TLS, default port 8883), `wss://host:port/path` (WebSocket and TLS, default port 443), or without TLS `mqtt://` (1883) and `ws://` (80). Or a list of brokers that share what they are told, the preferred one first: where one does not answer the next is taken',
      examples: [
        'mqtts://broker.plant-a.example:8883',
        'wss://broker.plant-a.example/mqtt',
        ['mqtts://broker-1.example', 'mqtts://broker-2.example'],
      ],
    }),
  failBackAfter: duration()
    .prefault('5 min')
    .meta({
      description: 'With several brokers: how often it is looked whether a preferred one is back; messages then go there again',
      examples: ['1 min'],
    }),
  protocol: z
    .union([z.literal('3.1.1'), z.literal(5)])
    .default(5)
    .meta({ description: 'Version of MQTT. A number 5, or the text "3.1.1"', examples: [5, '3.1.1'] }),
  topic: z
    .string()
    .default('{gateway}/{twin}/{kind}')
    .meta({ description: `Where messages go. ${NAMES}`, examples: ['{tenant}/{site}/{twin}/{kind}'] }),
  statusTopic: z
    .string()
    .default('{gateway}/status')
    .meta({
      description: 'Where the retained `online` and `offline` of the gateway stand',
      examples: ['{site}/{gateway}/status'],
    }),
  commands: z
    .union([z.literal(false), commands])
    .prefault({})
    .meta({
      description:
        'Where commands come from; `false`: none are listened to. Whatever comes, only points with `write:` can be written',
    }),
  shape: shapeSetting(),
  compress: compressSetting(),
  historyAfter: duration()
    .prefault('60 s')
    .meta({ description: 'Messages whose last value is older than this when sent carry `"history": true`', examples: ['5 min'] }),
  expireAfter: expireAfterSetting(),
  retain: z
    .boolean()
    .default(true)
    .meta({ description: 'Whether the status of the gateway is retained; `false` for a broker that keeps no retained messages' }),
  clientId: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .meta({ description: 'Client id at the broker. Default: the id of the gateway', examples: ['gw3'] }),
  auth: z
    .union([passwordUser, certificateUser])
    .optional()
    .meta({ description: 'Who the gateway is at the broker: user name and password, or client certificate and key' }),
  ca: certificateFile()
    .optional()
    .meta({
      description: 'CA certificates to trust instead of the public ones; several in one file while a CA is renewed',
      examples: ['plant-ca.crt'],
    }),
  pin: pinSetting(),
  proxy: proxySchema,
  keepAlive: duration()
    .prefault('25 s')
    .meta({ description: 'Longest silence before the gateway asks whether the broker is there', examples: ['25 s'] }),
  connectTimeout: duration()
    .prefault('10 s')
    .meta({ description: 'Longest wait until the broker has accepted the gateway', examples: ['10 s'] }),
  acknowledgeTimeout: duration()
    .prefault('20 s')
    .meta({
      description: 'Longest wait for the acknowledgement of a message; then the connection is opened anew',
      examples: ['20 s'],
    }),
  window: z.int().min(1).max(100).default(50).meta({ description: 'Messages sent but not yet acknowledged, at most' }),
  limits: limitsSchema,
  insecure: z.boolean().default(false).meta({
    description: 'Allows `mqtt://` and `ws://` beyond this machine: everybody on the way can read and change everything',
  }),
});

export type MqttSettings = z.output<typeof settingsSchema>;

/** How a broker is reached: the same keys for every dialect that speaks to brokers of all kinds. */
export const brokerKeys = settingsSchema.pick({
  ...{
    url: true,
    failBackAfter: true,
    protocol: true,
    clientId: true,
    auth: true,
    ca: true,
    pin: true,
    proxy: true,
    keepAlive: true,
  },
  ...{ connectTimeout: true, acknowledgeTimeout: true, window: true, limits: true, insecure: true },
});

export type BrokerSettings = z.output<typeof brokerKeys>;
