import { z } from 'zod';
import { certificateFile, duration, filePath, secret } from '../../../src/model/schema.ts';
import { AGGREGATE_NAMES } from './aggregate-functions.ts';
import { nodeAddress } from './features.ts';
import { expectedAddress, type NodeAddress } from './node-address.ts';
import { nodePattern } from './node-pattern.ts';
import { isIndexRange, parseValuePath } from './value-path.ts';

export const POLICIES = ['none', 'basic256sha256', 'aes128-sha256-rsaoaep', 'aes256-sha256-rsapss', 'best'] as const;
export const MODES = ['none', 'sign', 'sign-and-encrypt'] as const;

/** Why a policy that servers still offer is none of ours. */
function deprecation(policy: unknown): string | undefined {
  if (!/^(?:basic128rsa15|basic256)$/i.test(String(policy))) return undefined;
  return 'a policy that still protects, e.g. `basic256sha256`: Basic128Rsa15 and Basic256 rest on SHA-1 and were withdrawn by the OPC Foundation';
}

const oneUrl = z.string().regex(/^opc\.tcp:\/\/(?:\[[0-9a-fA-F:.]+\]|[^\s:/?#@[\]]+)(?::\d{1,5})?(?:\/\S*)?$/, {
  error: 'the address of an OPC UA server, e.g. `opc.tcp://10.20.0.17:4840`',
});

const url = z
  .union([oneUrl, z.array(oneUrl).min(1).max(8)])
  .transform((urls) => (typeof urls === 'string' ? [urls] : urls))
  .meta({
    description:
      'Where the server listens. Without a port: 4840. A list for redundant servers with the same nodes: the one with the highest ServiceLevel is used, the first of equals',
    examples: [
      'opc.tcp://10.20.0.17:4840',
      'opc.tcp://press-07.plant-a.example/OPCUA/SimulationServer',
      ['opc.tcp://10.20.0.17:4840', 'opc.tcp://10.20.0.18:4840'],
    ],
  });

const security = z
  .strictObject({
    policy: z
      .enum(POLICIES, { error: ({ input }) => deprecation(input) })
      .default('best')
      .meta({
        description:
          'How messages are protected. `best` takes the strongest that the server offers: `aes256-sha256-rsapss`, then `basic256sha256`, then `aes128-sha256-rsaoaep`',
      }),
    mode: z.enum(MODES).optional().meta({
      description: 'Sign only, or sign and encrypt. Default `sign-and-encrypt`; `none` where `policy` is `none`',
    }),
  })
  .prefault({})
  .meta({ description: 'Protection of the connection', examples: [{ policy: 'basic256sha256', mode: 'sign-and-encrypt' }] });

const user = z
  .union([
    z.strictObject({
      name: z.string().min(1).meta({ description: 'User name' }),
      password: secret().meta({ description: 'Password of the user, as the name of a secret' }),
    }),
    z.strictObject({
      certificate: certificateFile().meta({ description: 'Certificate of the user, PEM' }),
      privateKey: secret().meta({ description: 'Private key of that certificate, PEM, as the name of a secret' }),
    }),
    z.strictObject({
      tokenFile: filePath().meta({
        description:
          'File with an issued token (JWT) of an authorization service; read anew at each connect, since tokens are renewed often',
      }),
    }),
  ])
  .optional()
  .meta({
    description:
      'Who the gateway is to the server: `name` and `password`, `certificate` and `privateKey`, or `tokenFile`. Default: anonymous',
  });

const reverseConnect = z
  .strictObject({
    listen: z
      .string()
      .regex(/^(?:\[[0-9a-fA-F:.]+\]|[^\s:/]+):\d{1,5}$/, {
        error: 'an address of this machine and a port, e.g. `10.20.0.5:4841`',
      })
      .meta({
        description:
          'Where the gateway listens for the server. `0.0.0.0` is every address of this machine, `127.0.0.1` only itself',
        examples: ['10.20.0.5:4841', '0.0.0.0:4841'],
      }),
    serverUri: z
      .string()
      .min(1)
      .meta({
        description: 'Application URI of the server, by which it tells who it is',
        examples: ['urn:press-07:acme:press'],
      }),
    patience: duration()
      .prefault('60 s')
      .meta({ description: 'How long the server may take to connect; servers try again only now and then', examples: ['2 min'] }),
  })
  .optional()
  .meta({
    description:
      'The server opens the connection to the gateway (reverse connect), e.g. out of a network that lets nobody in. `url` is then what the server calls its endpoint',
    examples: [{ listen: '10.20.0.5:4841', serverUri: 'urn:press-07:acme:press' }],
  });

export const connectionSchema = z.object({
  url,
  reverseConnect,
  security,
  insecure: z.boolean().default(false).meta({
    description:
      'Allows `policy: none` to a server on another machine, and a password without encryption: anybody on the way can read and change the values',
  }),
  user,
  timeout: duration()
    .prefault('10 s')
    .meta({
      description: 'Longest wait for one answer of the server; opening the connection may take three times as long',
      examples: ['5 s'],
    }),
  sessionTimeout: duration()
    .prefault('60 s')
    .meta({
      description: 'How long the server keeps the session while the network is away',
      examples: ['2 min'],
    }),
  subscriptionLifetime: duration()
    .prefault('10 min')
    .meta({
      description:
        'How long the server goes on collecting while nobody fetches it. After a break no longer than this nothing is missing that fits in its queues (`queueSize`), where the server can hand over subscriptions to a new session',
      examples: ['1 h'],
    }),
  backfill: z
    .union([z.literal(false), duration()], { error: 'a duration with its unit, e.g. `1 h`, or `false`' })
    .prefault('1 h')
    .meta({
      description:
        'What was missed of subscribed points while the connection was broken is read from the history of the server, where it keeps one, and sent as history: so far back. `false`: never',
      examples: ['1 h', false],
    }),
  keepAlive: duration()
    .prefault('5 s')
    .meta({
      description: 'The server says at least this often that it lives when no value changes; silence of 2.5 times this is a loss',
      examples: ['2 s'],
    }),
  registerNodes: z.boolean().default(false).meta({
    description:
      'Tells the server once which nodes are polled (RegisterNodes): some PLCs then find them faster. Ends with the session, and is done anew in the next',
  }),
  browseEvery: duration()
    .prefault('10 min')
    .meta({
      description:
        'How often `browse` patterns are looked up anew, beside each connect and each model change that the server tells',
      examples: ['1 min'],
    }),
  publishingInterval: duration()
    .prefault('1 s')
    .meta({
      description: 'How often the server sends what it has collected. A point may have its own',
      examples: ['500 ms'],
    }),
});

export const deviceSchema = z.object({});

const address = z
  .union([nodeAddress(), nodePattern()], {
    error: ({ input }) => `${expectedAddress(input)}, or \`{ browse: … }\``,
  })
  .meta({
    description:
      'Node id: `nsu=<namespace URI>;` and `s=` (text), `i=` (number), `g=` (GUID) or `b=` (base64). `;` and `%` in the URI are written `%3B` and `%25`. `ns=<index>;` works too, but the index may change when the server is changed. Or `browse`: the entry stands for every variable that lies there, also for those that come later',
    examples: [
      'nsu=urn:acme:press;s=Line1.Speed',
      'nsu=http://acme.example/UA/;i=1001',
      'i=2258',
      { browse: 'Objects/Line1/*/Temperature', name: '{1}Temperature' },
    ],
  });

const serverDeadband = z
  .union([
    z.strictObject({ absolute: z.number().positive().meta({ description: "Change in the device's own unit" }) }),
    z.strictObject({
      percent: z.number().positive().max(100).meta({ description: 'Change in percent of the EURange that the server knows' }),
    }),
  ])
  .optional()
  .meta({
    description:
      'The server keeps smaller changes to itself. Where it cannot, all changes come, and the status of the connection says so',
    examples: [{ absolute: 0.5 }, { percent: 2 }],
  });

const serverAggregate = z
  .strictObject({
    function: z.enum(AGGREGATE_NAMES).meta({ description: 'What the server computes of each window (OPC UA Part 13)' }),
    every: duration()
      .refine((everyMs) => everyMs >= 1_000, 'at least `1 s`')
      .meta({ description: 'Length of a window; each begins at a multiple of it, counted from 1970 in UTC', examples: ['10 s'] }),
  })
  .optional()
  .meta({
    description:
      'The server computes the value from its history, once for each window; the time of the value is the beginning of its window. Where the server refuses, the point is bad with its status; the value of now is never taken instead',
    examples: [{ function: 'average', every: '1 min' }],
  });

const path = z
  .string()
  .transform((text, context) => {
    const parsed = parseValuePath(text);
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: 'custom', message: 'fields and indices, e.g. `position.x`, `[3]` or `track[0].x`' });
    return z.NEVER;
  })
  .optional()
  .meta({
    description:
      'Where in the value of the node this point lies: fields of a structure, indices of an array from 0. Points of one node share what the server sends. Without it an array or a structure is one value',
    examples: ['position.x', '[3]', 'track[0].x'],
  });

const indexRange = z
  .string()
  .refine(isIndexRange, 'indices from 0, e.g. `0:9`, or `0:1,2:3` for two dimensions')
  .optional()
  .meta({
    description: 'The part of an array that the server sends and takes; `path` counts inside of it',
    examples: ['0:9', '0:1,2:3'],
  });

export const pointSchema = z.object({
  address,
  path,
  indexRange,
  enumeration: z.enum(['number', 'text']).default('number').meta({
    description:
      'An enumeration as its number, or as the text that the server knows for it (EnumStrings, EnumValues; TrueState and FalseState of a boolean), also inside of structures. A number without text is sent as text, with quality uncertain',
  }),
  readModifyWrite: z.boolean().default(false).meta({
    description:
      'Allows to write one field of a structure (`path`): the whole structure is read, changed and written back. What the device itself writes in this moment is lost',
  }),
  stampWrites: z.boolean().default(false).meta({
    description:
      'A written value carries status Good and the time of the gateway as its source time. A server that takes neither gets the plain value',
  }),
  read: z.enum(['subscribe', 'poll']).default('subscribe').meta({
    description: '`subscribe`: the server samples every `interval` and sends changes. `poll`: the gateway reads every `interval`',
  }),
  sampling: duration()
    .optional()
    .meta({
      description: 'How often the server looks at the value. Default: `interval`',
      examples: ['100 ms'],
    }),
  publishingInterval: duration()
    .optional()
    .meta({
      description: 'How often the server sends what it has collected of this point. Default: that of the connection',
      examples: ['250 ms'],
    }),
  queueSize: z
    .int()
    .min(1)
    .max(100_000)
    .optional()
    .meta({
      description: 'Values that the server keeps of this point between two publishings. Default: publishing by sampling, plus 2',
      examples: [100],
    }),
  serverDeadband,
  serverAggregate,
});

export type OpcuaSettings = z.output<typeof connectionSchema>;
/** Those of a session, with one of the servers. */
export type ServerSettings = Omit<OpcuaSettings, 'url'> & { readonly url: string };
/** Of one node; a pattern is resolved before anybody else sees it. */
export type OpcuaPoint = Omit<z.output<typeof pointSchema>, 'address'> & {
  readonly address: NodeAddress;
  /** Status name of why it cannot be used, known before the server is asked. */
  readonly problem?: string;
};
export type OpcuaDevice = z.output<typeof deviceSchema>;
export type SecurityPolicyName = (typeof POLICIES)[number];
export type SecurityModeName = (typeof MODES)[number];

/** What `mode` means where it is not written. */
export function securityMode({ policy, mode }: OpcuaSettings['security']): SecurityModeName {
  return mode ?? (policy === 'none' ? 'none' : 'sign-and-encrypt');
}
