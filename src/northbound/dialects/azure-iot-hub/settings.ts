import { z } from 'zod';
import { certificateFile, duration, filePattern, portNumber, secret } from '../../../model/schema.ts';
import { limitsSchema } from '../../delivery-limits.ts';
import { privateKeySetting } from '../../key-settings.ts';
import { pinSetting } from '../../pin-settings.ts';
import { proxySchema } from '../../proxy-settings.ts';
import { shapeSetting } from '../../shapes/settings.ts';
import { TIER_NAMES } from './tiers.ts';

export const GLOBAL_PROVISIONING_HOST = 'global.azure-devices-provisioning.net';

const HOST = /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/;
/** Of the characters that Azure allows those that need no encoding anywhere. */
const DEVICE_ID = /^[A-Za-z0-9._-]{1,128}$/;

const hostName = () => z.string().regex(HOST, 'a host name without scheme, port or path, e.g. `acme.azure-devices.net`');

/** As the portal shows it. */
const symmetricKey = () =>
  secret().refine((given) => isBase64(given.reveal()), 'a key in base64 as the portal shows it, e.g. `AAECAw…=`');

function isBase64(text: string): boolean {
  return text.length >= 20 && Buffer.from(text, 'base64').toString('base64') === text;
}

const auth = z.union([
  z.strictObject({
    key: symmetricKey().meta({
      description: 'Primary or secondary key of the device, not of a policy of the hub',
      examples: ['!secret hub-key'],
    }),
    otherKey: symmetricKey()
      .optional()
      .meta({
        description: 'The other one of the two: tried where the first is refused, so that keys can be rotated',
        examples: ['!secret hub-key-2'],
      }),
  }),
  z.strictObject({
    groupKey: symmetricKey().meta({
      description: 'Key of the enrolment group; the keys of devices are derived from it. Safer: derive elsewhere and give `key`',
      examples: ['!secret group-key'],
    }),
  }),
  z.strictObject({
    certificate: certificateFile().meta({
      description: 'Client certificate, PEM, with its chain; its common name is the device id',
      examples: ['hub.crt'],
    }),
    privateKey: privateKeySetting(),
  }),
  z.strictObject({
    keyFiles: filePattern().meta({
      description: 'For each twin a file with the key of its device',
      examples: ['keys/{twin}.key'],
    }),
  }),
  z.strictObject({
    certificates: filePattern().meta({ description: 'For each twin a client certificate, PEM', examples: ['certs/{twin}.crt'] }),
    privateKeys: filePattern().meta({ description: 'For each twin its private key, PEM', examples: ['certs/{twin}.key'] }),
  }),
]);

const provisioning = z.strictObject({
  idScope: z
    .string()
    .regex(/^[A-Za-z0-9]{4,64}$/, 'an id scope such as `0ne00ABCDEF`')
    .meta({ description: 'ID scope of the Device Provisioning Service', examples: ['0ne00ABCDEF'] }),
  host: hostName()
    .default(GLOBAL_PROVISIONING_HOST)
    .meta({ description: 'Its endpoint', examples: ['acme-dps.azure-devices-provisioning.net'] }),
  registrationId: z
    .string()
    .regex(DEVICE_ID, 'letters, digits, `-`, `.` and `_`')
    .optional()
    .meta({
      description: 'Registration id; with a certificate its common name. Default: the device id',
      examples: ['plant-a-line-3'],
    }),
  payload: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .optional()
    .meta({
      description: 'Handed to a custom allocation, beside the model id',
      examples: [{ site: 'plant-a' }],
    }),
});

export const TRANSPORTS = ['mqtt', 'websocket'] as const;

export const settingsSchema = z.object({
  host: hostName()
    .optional()
    .meta({
      description: 'Host name of the IoT hub. Or `provisioning`, which finds it',
      examples: ['acme.azure-devices.net'],
    }),
  provisioning: provisioning.optional().meta({
    description: 'Asks the Device Provisioning Service which hub to use, keeps the answer, and asks again when that hub refuses',
  }),
  deviceIdentity: z.enum(['gateway', 'per-device']).default('gateway').meta({
    description:
      '`gateway`: one device in the hub, all twins within its twin. `per-device`: a device for each twin, named like it, each with its own connection and credential (at most 100)',
  }),
  deviceId: z
    .string()
    .regex(DEVICE_ID, 'letters, digits, `-`, `.` and `_`, at most 128')
    .optional()
    .meta({ description: 'Device id in the hub. Default: the id of the gateway', examples: ['plant-a-line-3'] }),
  auth: auth.meta({
    description: 'Who the gateway is: symmetric key, key of an enrolment group, or client certificate and key',
  }),
  modelId: z
    .string()
    .regex(/^dtmi:[A-Za-z0-9_:]+;[1-9]\d*(\.\d+)?$/, 'a model id such as `dtmi:com:acme:Gateway;1`')
    .max(128)
    .optional()
    .meta({
      description: 'DTDL model of the device in the hub. Default with `per-device`: the `model` of the twin',
      examples: ['dtmi:com:acme:Gateway;1'],
    }),
  transport: z
    .union([z.enum(TRANSPORTS), z.array(z.enum(TRANSPORTS)).min(1).max(2)])
    .default('mqtt')
    .meta({
      description: '`mqtt`: port 8883. `websocket`: port 443. A list: in order of preference, the next where one is not let out',
      examples: ['websocket', ['mqtt', 'websocket']],
    }),
  port: portNumber()
    .optional()
    .meta({ description: 'Another port than that of the transport', examples: [8883] }),
  proxy: proxySchema,
  ca: certificateFile()
    .optional()
    .meta({ description: 'CA certificates to trust instead of the public ones', examples: ['azure-roots.crt'] }),
  pin: pinSetting(),
  tokenLife: duration()
    .prefault('1 h')
    .meta({ description: 'Life of a token (with keys); renewed in time by a planned reconnect', examples: ['24 h'] }),
  tier: z
    .enum(TIER_NAMES)
    .optional()
    .meta({ description: 'Tier of the hub: its pace and daily quota, unless `limits` says otherwise', examples: ['S1'] }),
  units: z.int().min(1).max(200).default(1).meta({ description: 'Units bought of the tier' }),
  limits: limitsSchema,
  shape: shapeSetting(),
  compress: z.literal('gzip').optional().meta({
    description:
      'Compresses the body of each message that gets smaller by it, and tells it as content encoding. Routing queries cannot look into such a body',
  }),
  historyAfter: duration()
    .prefault('60 s')
    .meta({ description: 'Messages whose last value is older than this when sent carry `history=true`', examples: ['5 min'] }),
  properties: z
    .enum(['twin', 'messages', 'both'])
    .default('twin')
    .meta({ description: 'Where properties go: to the reported properties of the twin, to messages, or both' }),
  reportAtMostEvery: duration()
    .prefault('1 s')
    .meta({
      description:
        'Least time between two updates of reported properties; what comes between goes together. Where many wait, as after an outage, they do not wait so long',
      examples: ['10 s'],
    }),
  commands: z.boolean().default(true).meta({
    description:
      'Whether desired properties, direct methods and messages from the cloud are listened to. Whatever comes, only points with `write:` can be written',
  }),
  keepAlive: duration()
    .prefault('25 s')
    .meta({ description: 'Longest silence before the gateway asks whether the hub is there', examples: ['25 s'] }),
  connectTimeout: duration()
    .prefault('20 s')
    .meta({ description: 'Longest wait until the hub has accepted the gateway and told its twin', examples: ['20 s'] }),
  acknowledgeTimeout: duration()
    .prefault('30 s')
    .meta({ description: 'Longest wait for an acknowledgement; then the connection is opened anew', examples: ['30 s'] }),
  window: z.int().min(1).max(100).default(16).meta({ description: 'Messages sent but not yet acknowledged, at most' }),
});

export type AzureSettings = z.output<typeof settingsSchema>;
export type AzureAuth = AzureSettings['auth'];
