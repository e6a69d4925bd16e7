import { z } from 'zod';
import { certificateFile, duration, portNumber } from '../../../model/schema.ts';
import { limitsSchemaOf } from '../../delivery-limits.ts';
import { privateKeySetting } from '../../key-settings.ts';
import { pinSetting } from '../../pin-settings.ts';
import { proxySchema } from '../../proxy-settings.ts';
import { shapeSetting } from '../../shapes/settings.ts';
import { CHUNK } from './limits.ts';

const NAMES = 'Names in braces: gateway, twin, kind, and any label of the gateway or the twin; 7 slashes and 256 bytes at most';

const certificateUser = {
  certificate: certificateFile().meta({ description: 'Certificate, PEM', examples: ['gw.crt'] }),
  privateKey: privateKeySetting(),
};

const provisioning = z.strictObject({
  ...certificateUser,
  template: z
    .string()
    .regex(/^[0-9A-Za-z_-]{1,36}$/, 'the name of a provisioning template: letters, digits, `_` and `-`, at most 36')
    .meta({ description: 'Provisioning template of the account', examples: ['gateways'] }),
  parameters: z
    .record(z.string(), z.string())
    .default({})
    .meta({ description: 'What the template asks for', examples: [{ SerialNumber: 'gw-01' }] }),
});

const commands = z.strictObject({
  topic: z
    .string()
    .default('cmd/{gateway}/{twin}')
    .meta({ description: 'Where commands for a twin arrive. `{twin}` is a level of its own', examples: ['cmd/{site}/{twin}'] }),
  results: z
    .string()
    .default('cmd/{gateway}/{twin}/result')
    .meta({
      description: 'Where their results go, unless the command names a response topic',
      examples: ['cmd/{site}/{twin}/result'],
    }),
});

export const settingsSchema = z.object({
  host: z
    .string()
    .regex(/^[0-9A-Za-z.-]+$/, 'a host name')
    .meta({
      description: 'Data endpoint of the account: `aws iot describe-endpoint --endpoint-type iot:Data-ATS`',
      examples: ['a1b2c3d4e5f6g7-ats.iot.eu-central-1.amazonaws.com'],
    }),
  port: portNumber()
    .default(8883)
    .meta({ description: '8883, or 443 where a firewall lets only that through', examples: [443] }),
  alpn: z.boolean().optional().meta({
    description:
      'Whether TLS says that MQTT is meant (`x-amzn-mqtt-ca`), which AWS needs at port 443. Default: at port 443 only. For ports that are forwarded',
  }),
  protocol: z
    .union([z.literal('3.1.1'), z.literal(5)])
    .default(5)
    .meta({ description: 'Version of MQTT. A number 5, or the text "3.1.1"', examples: [5] }),
  thing: z
    .string()
    .regex(/^[a-zA-Z0-9:_-]{1,128}$/, 'the name of a thing: letters, digits, `:`, `_` and `-`, at most 128')
    .optional()
    .meta({
      description: 'Thing of the gateway, also its client id. Default: the id of the gateway, or what provisioning assigns',
      examples: ['gw-01'],
    }),
  auth: z
    .strictObject(certificateUser)
    .optional()
    .meta({ description: 'The certificate of the gateway, where it has one already' }),
  provisioning: provisioning.optional().meta({
    description:
      'Claim certificate by which the gateway gets a certificate of its own the first time it connects; its key never leaves this machine',
  }),
  ca: certificateFile()
    .optional()
    .meta({ description: 'CA certificates to trust instead of the public ones', examples: ['amazon-root-ca.pem'] }),
  pin: pinSetting(),
  proxy: proxySchema,
  topic: z
    .string()
    .default('dt/{gateway}/{twin}/{kind}')
    .meta({ description: `Where messages go. ${NAMES}`, examples: ['dt/{site}/{gateway}/{twin}/{kind}'] }),
  rule: z
    .string()
    .regex(/^[a-zA-Z0-9_]{1,128}$/, 'the name of a rule: letters, digits and `_`')
    .optional()
    .meta({
      description:
        'Basic ingest: messages go straight to this rule, without the charge of a message, and nobody can subscribe to them',
      examples: ['telemetry'],
    }),
  statusTopic: z
    .string()
    .default('dt/{gateway}/status')
    .meta({ description: 'Where `online` and `offline` of the gateway are told', examples: ['dt/{site}/{gateway}/status'] }),
  retainStatus: z.boolean().default(false).meta({ description: 'Whether AWS keeps the last `online` or `offline`' }),
  shadows: z.boolean().default(true).meta({
    description: 'Properties are reported to a named shadow for each twin, and what is desired there is written',
  }),
  jobs: z.boolean().default(true).meta({ description: 'Whether jobs of the thing are executed as commands' }),
  commands: z
    .union([z.literal(false), commands])
    .default(false)
    .meta({ description: 'Commands by topic, the quickest way. `false`: none are listened to' }),
  shape: shapeSetting(),
  historyAfter: duration()
    .prefault('60 s')
    .meta({ description: 'Messages whose last value is older than this when sent carry `"history": true`', examples: ['5 min'] }),
  keepAlive: duration()
    .prefault('30 s')
    .meta({ description: 'Longest silence before the gateway asks whether AWS is there, from `30 s`', examples: ['30 s'] }),
  connectTimeout: duration()
    .prefault('15 s')
    .meta({ description: 'Longest wait until AWS has accepted the gateway', examples: ['15 s'] }),
  acknowledgeTimeout: duration()
    .prefault('20 s')
    .meta({ description: 'Longest wait for the acknowledgement of a message or an answer', examples: ['20 s'] }),
  window: z.int().min(1).max(90).default(50).meta({ description: 'Messages sent but not yet acknowledged, at most' }),
  limits: limitsSchemaOf({ chunk: CHUNK }),
});

export type AwsSettings = z.output<typeof settingsSchema>;
