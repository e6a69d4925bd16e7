import { z } from 'zod';
import { byteSize, duration, portNumber, secret } from '../model/schema.ts';
import { DEFAULT_CLASSES, WHEN_FULL } from '../model/spool-class.ts';
import type { MessageClass } from '../model/twin-message.ts';
import { identifier, labels } from './names.ts';

/** Derived into a key of 256 bits; a password that people can remember is not enough. */
const spoolKey = () =>
  secret().refine(
    (given) => given.revealBytes().length >= 32,
    'a secret of at least 32 bytes, e.g. made by `openssl rand -base64 32`',
  );

const spoolClass = (name: MessageClass, what: string) =>
  z
    .strictObject({
      share: z
        .number()
        .min(1)
        .max(100)
        .default(DEFAULT_CLASSES[name].share)
        .meta({
          description: 'Percent of `spool.maxBytes` that messages of this class may take',
          examples: [DEFAULT_CLASSES[name].share],
        }),
      whenFull: z
        .enum(WHEN_FULL)
        .optional()
        .meta({ description: 'What gives way in this class; default: `spool.whenFull`', examples: ['thin'] }),
      keepOneOf: z
        .int()
        .min(2)
        .max(1_000)
        .default(DEFAULT_CLASSES[name].keepOneOf)
        .meta({
          description: '`whenFull: thin`: of so many messages of a twin one is kept, first of the oldest',
          examples: [10],
        }),
    })
    .prefault({})
    .meta({ description: what });
const logLevel = z.enum(['debug', 'info', 'warn', 'error']);

/** The keys of `gateway.yaml` that no plug-in declares. `hubs` and `connections` are composed from the declarations. */
export const gatewayKeys = z.strictObject({
  $schema: z.string().optional().meta({ description: 'Where an editor finds the JSON Schema of this file' }),
  gateway: z
    .strictObject({
      id: identifier().meta({
        description: 'Name of this gateway; part of every message id, so never change it',
        examples: ['plant-a-line-3'],
      }),
      location: z
        .string()
        .max(256)
        .optional()
        .meta({ description: 'Where it stands, for people', examples: ['Hall 2, cabinet 4'] }),
      labels: labels()
        .default({})
        .meta({ description: 'Enrich every message and may stand in topics', examples: [{ site: 'plant-a', tenant: 'acme' }] }),
    })
    .meta({ description: 'Who the gateway is' }),
  spool: z
    .strictObject({
      directory: z
        .string()
        .min(1)
        .optional()
        .meta({
          description:
            'Where messages wait for the hubs. Default: `spool` in the state directory of the service (as systemd says; `/var/lib/NAME` of a configuration in `/etc/NAME`), else `var/spool` beside this file',
          examples: ['/var/lib/fieldmarshal/spool'],
        }),
      maxBytes: byteSize()
        .prefault('4 GiB')
        .meta({ description: 'Most that may wait', examples: ['500 MB'] }),
      keepFree: byteSize()
        .prefault('1 GiB')
        .meta({
          description:
            'Bytes to be left free on the disk of the spool, whoever fills it; below, the spool does not grow and `whenFull` holds',
          examples: ['500 MB'],
        }),
      maxAge: duration()
        .prefault('14 d')
        .meta({ description: 'Longest that a message may wait', examples: ['2 d'] }),
      whenFull: z
        .enum(WHEN_FULL)
        .default('drop-oldest')
        .meta({ description: 'What gives way when the share of a class is used up; a gap record tells it' }),
      classes: z
        .strictObject({
          alarm: spoolClass('alarm', 'Events; they overtake everything else'),
          property: spoolClass('property', 'Properties and status messages; they overtake telemetry'),
          telemetry: spoolClass('telemetry', 'Telemetry'),
        })
        .refine(({ alarm, property, telemetry }) => alarm.share + property.share + telemetry.share <= 100, {
          message: 'shares of at most 100 percent together; where one grows another one has to give',
        })
        .prefault({})
        .meta({ description: 'Messages by urgency, each class with a share of its own, so that none takes the room of another' }),
      commitWindow: duration()
        .prefault('100 ms')
        .meta({
          description: 'Messages of this time are written to the disk together; `1 s` spares an eMMC or SD card',
          examples: ['20 ms'],
        }),
      compression: z
        .enum(['zstd', 'none'])
        .default('zstd')
        .meta({ description: 'Of the messages on disk. `zstd` writes a fraction of the bytes, which flash memory lives on' }),
      encryption: z
        .strictObject({
          key: spoolKey().meta({ description: 'Encrypts what is written from now on', examples: ['!secret spool-key'] }),
          oldKeys: z
            .array(spoolKey())
            .default([])
            .meta({
              description:
                'Keys of before, as long as something that they encrypted waits; without them the gateway does not start',
              examples: [['!secret spool-key-2026']],
            }),
        })
        .optional()
        .meta({ description: 'Messages on disk are encrypted (AES-256-GCM); names of hubs and twins and their counts are not' }),
    })
    .prefault({})
    .meta({ description: 'The durable queue on disk' }),
  clock: z
    .strictObject({
      setFile: z
        .string()
        .min(1)
        .optional()
        .meta({
          description:
            'A file that is there once the clock of the machine is set. Until then messages say that their times are not known to be right. Without it a clock is believed that is not before this version, nor before the last time that was known',
          examples: ['/run/systemd/timesync/synchronized'],
        }),
    })
    .prefault({})
    .meta({ description: 'How the gateway knows that the clock of the machine is right' }),
  operations: z
    .strictObject({
      host: z
        .string()
        .min(1)
        .default('127.0.0.1')
        .meta({ description: 'Address that `/metrics`, `/health` and `/status` listen at' }),
      port: portNumber().or(z.literal(0)).default(9464).meta({ description: 'Port; 0 takes any free one' }),
    })
    .prefault({})
    .meta({ description: 'Where the gateway shows how it is' }),
  audit: z
    .strictObject({
      maxBytes: byteSize()
        .refine((bytes) => bytes >= 1_000_000, 'at least `1 MB`')
        .optional()
        .meta({
          description: 'The oldest entries give way when there is more. Default: everything is kept',
          examples: ['500 MB'],
        }),
    })
    .prefault({})
    .meta({ description: 'The log of commands and of who came, in `audit` of the state directory; see `fieldmarshal audit`' }),
  cloudMayChange: z
    .strictObject({
      logLevel: z
        .array(logLevel)
        .min(1)
        .optional()
        .meta({ description: 'Levels of the log that a command may set', examples: [['info', 'debug']] }),
    })
    .prefault({})
    .meta({ description: 'Settings of the gateway that a command may change, until the gateway starts anew. Default: none' }),
  log: z
    .strictObject({
      level: logLevel.default('info').meta({ description: 'Least important lines that are written' }),
    })
    .prefault({})
    .meta({ description: 'The log on standard output' }),
  mappings: z
    .array(z.string().min(1))
    .min(1)
    .default(['mappings/*.yaml'])
    .meta({
      description: 'Mapping files, as patterns relative to this file; they lie in its directory',
      examples: [['mappings/*.yaml']],
    }),
});

export type GatewayKeys = z.output<typeof gatewayKeys>;

export const HUBS = 'Clouds by name. `dialect` says which keys a hub takes';
export const CONNECTIONS =
  'Endpoints that several mappings share, by name. A mapping refers to one with `connection: { name: … }`';

/** Of every hub, beside what its dialect declares. */
export const hubKeys = z.strictObject({
  takes: z
    .strictObject({
      twins: z
        .array(z.string().min(1))
        .min(1)
        .optional()
        .meta({ description: 'Names of twins; `*` stands for any characters', examples: [['press-*', 'meter-1']] }),
      labels: labels()
        .optional()
        .meta({
          description: 'All of these labels, of the twin or of the gateway; `*` in a value stands for any characters',
          examples: [{ tenant: 'acme' }],
        }),
      kinds: z
        .array(z.enum(['telemetry', 'property', 'event', 'status']))
        .min(1)
        .optional()
        .meta({ description: 'Kinds of messages. Default: all', examples: [['property', 'event']] }),
    })
    .optional()
    .meta({
      description:
        'What this hub gets of mappings that name no `hub`; where no hub has it, there is one hub or each mapping names its own. A hub without it gets everything of them',
      examples: [{ labels: { tenant: 'acme' } }],
    }),
  drain: z.enum(['in-order', 'live-first']).default('in-order').meta({
    description:
      'How the hub gets what waited while it was away. `in-order`: as it came. `live-first`: new messages at once and what waited beside them, marked as history',
  }),
  historyPerSecond: z
    .number()
    .positive()
    .optional()
    .meta({
      description: 'With `live-first`: messages that waited go no faster than so many a second',
      examples: [50],
    }),
});

export type Takes = NonNullable<z.output<typeof hubKeys>['takes']>;

/** Beside the endpoint's own keys. */
export const unitsKey = z.strictObject({
  units: z
    .array(z.int().min(0).max(255))
    .min(1)
    .optional()
    .meta({
      description: 'Unit numbers that are wired to this line; a mapping that uses another one is an error',
      examples: [[1, 2, 7]],
    }),
});
