import { isIP } from 'node:net';
import { z } from 'zod';
import { duration, portNumber } from '../../../src/model/schema.ts';
import { TABLES } from './address.ts';
import { tcpKeys } from './tcp-settings.ts';

/** A wait of nothing would be no wait. */
const wait = () => duration().refine((ms) => ms > 0, 'a duration longer than nothing, e.g. `1 s`');

const timing = {
  timeout: wait()
    .prefault('1 s')
    .meta({
      description: 'Longest wait for the answer of a device, beside the time that request and answer take on a serial line',
      examples: ['500 ms'],
    }),
  retries: z.int().min(0).max(5).default(1).meta({
    description: 'How often a read is asked again after silence or a damaged answer. Writes are never repeated',
  }),
  pauseBetweenRequests: duration()
    .prefault('0 ms')
    .meta({
      description: 'Rest for slow devices after each answer, beside the silence that the standard asks for',
      examples: ['50 ms'],
    }),
  pauseAfterConnect: duration()
    .prefault('0 ms')
    .meta({
      description: 'Rest after the connection or the port was opened, for devices that take no request at once',
      examples: ['2 s'],
    }),
};

/** Four numbers with dots are meant as an address; anything else may be a name, and DNS knows better than we. */
function isHost(text: string): boolean {
  if (isIP(text) !== 0) return true;
  return /^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$/.test(text) && !/^[\d.]+$/.test(text);
}

const network = {
  host: z
    .string()
    .min(1)
    .refine(isHost, 'a host name or IP address alone, e.g. `10.20.0.17`; the port has a key of its own, `port`')
    .meta({ description: 'Host name or IP address', examples: ['10.20.0.17'] }),
  port: portNumber().default(502).meta({ description: 'TCP port' }),
  connectTimeout: wait()
    .prefault('3 s')
    .meta({ description: 'Longest wait until the connection is open', examples: ['5 s'] }),
  maxTimeouts: z.int().min(1).max(1_000).default(3).meta({
    description: 'So many answers missing in a row, whatever the unit, and the connection is closed and opened anew',
  }),
};

const broadcastPause = duration()
  .prefault('100 ms')
  .meta({
    description:
      'How long the line rests after a point with `broadcast: true` was written, so that every unit can do what it was told',
    examples: ['200 ms'],
  });

const lineTiming = {
  lateWindow: duration()
    .optional()
    .meta({
      description:
        'After a missing answer the line is listened to until it was quiet this long, so that a late answer is not taken for the next one. Default: a quarter of `timeout`',
      examples: ['200 ms'],
    }),
  broadcastPause,
  echo: z.enum(['detect', 'strip']).default('detect').meta({
    description:
      'Some two-wire adapters send back what they were given. `detect`: found out by the first read; `strip`: known beforehand',
  }),
};

const line = {
  port: z
    .string()
    .startsWith('/', 'the path of a serial port, e.g. `/dev/serial/by-id/usb-FTDI_USB-RS485-if00-port0`')
    .meta({
      description: 'Serial port. The names in `/dev/serial/by-id/` stay the same when adapters are plugged in another order',
      examples: ['/dev/serial/by-id/usb-FTDI_USB-RS485-if00-port0'],
    }),
  baudRate: z
    .int()
    .min(300)
    .max(4_000_000)
    .default(19_200)
    .meta({ description: 'Bits per second', examples: [9600, 115_200] }),
  parity: z.enum(['even', 'odd', 'none']).default('even').meta({ description: 'Parity; the standard asks for `even`' }),
  stopBits: z
    .union([z.literal(1), z.literal(2)])
    .default(1)
    .meta({ description: 'Stop bits; the standard asks for 2 without parity, most devices take 1' }),
  rs485: z
    .strictObject({
      rtsOnSend: z
        .enum(['high', 'low'])
        .default('high')
        .meta({ description: 'Level of RTS that switches the transceiver to sending' }),
      delayBeforeSend: duration()
        .prefault('0 ms')
        .meta({ description: 'From switching to the first bit, in whole milliseconds' }),
      delayAfterSend: duration()
        .prefault('0 ms')
        .meta({ description: 'From the last bit to switching back, in whole milliseconds' }),
      receiveWhileSending: z
        .boolean()
        .default(false)
        .meta({ description: 'Whether the receiver stays on, so that the port hears itself' }),
    })
    .optional()
    .meta({
      description:
        'The kernel switches the direction of a two-wire transceiver by RTS. For UARTs whose driver has the RS-485 mode; USB adapters mostly switch by themselves and need none',
      examples: [{ rtsOnSend: 'high' }],
    }),
};

const rtuLine = {
  ...line,
  dataBits: z.literal(8).default(8).meta({ description: 'Always 8 with Modbus RTU' }),
  interFrameDelay: duration()
    .optional()
    .meta({
      description: 'Silence before each request. Default: 3.5 characters, at least 1.75 ms',
      examples: ['5 ms'],
    }),
};

const asciiLine = {
  ...line,
  dataBits: z
    .union([z.literal(7), z.literal(8)])
    .default(7)
    .meta({ description: 'Bits of a character; the standard asks for 7, some devices take 8' }),
  interFrameDelay: duration()
    .optional()
    .meta({
      description: 'Silence before each request. Default: none, for frames have a mark at their beginning',
      examples: ['5 ms'],
    }),
};

export const tcpConnection = z.object({ ...network, ...timing, ...tcpKeys });
export const rtuConnection = z.object({ ...rtuLine, ...timing, ...lineTiming });
export const asciiConnection = z.object({ ...asciiLine, ...timing, ...lineTiming });
/** Frames of either kind behind a converter. */
export const overTcpConnection = z.object({ ...network, ...timing, ...lineTiming });

/** First and last cell, both included. */
const span = (what: string) =>
  z
    .tuple([z.int().min(0).max(65_536), z.int().min(0).max(65_536)], 'the first and the last in brackets, e.g. `[100, 119]`')
    .refine(([from, to]) => from <= to, 'the smaller number first')
    .optional()
    .meta({ description: `First and last ${what}, counted as in \`address\``, examples: [[100, 119]] });

const forbiddenRange = z
  .strictObject({
    holding: span('holding register'),
    input: span('input register'),
    coil: span('coil'),
    discrete: span('discrete input'),
  })
  .transform((keys, context) => {
    const [table, ...others] = TABLES.filter((name) => keys[name] !== undefined);
    const [from, last] = (table && keys[table]) ?? [0, 0];
    if (table !== undefined && others.length === 0) return { table, from, to: last + 1 };
    context.addIssue({ code: 'custom', message: 'exactly one of `holding`, `input`, `coil` and `discrete`' });
    return z.NEVER;
  });

function deviceKeys() {
  return {
    maxRegistersPerRequest: z
      .int()
      .min(1)
      .max(125)
      .default(125)
      .meta({
        description: 'Most registers that the device gives in one answer',
        examples: [32],
      }),
    maxBitsPerRequest: z
      .int()
      .min(1)
      .max(2_000)
      .default(2_000)
      .meta({
        description: 'Most coils or discrete inputs that the device gives in one answer',
        examples: [256],
      }),
    readUnwanted: z
      .boolean()
      .default(true)
      .meta({
        description:
          'Whether registers that no point wants may be read along where that takes less time than another request. `false` for devices that take it ill',
        examples: [false],
      }),
    doNotRead: z
      .array(forbiddenRange)
      .default([])
      .meta({
        description:
          'Cells that no request may touch, e.g. registers that are cleared by being read: `[{ holding: [100, 119] }]`, both ends included',
        examples: [[{ holding: [100, 119] }]],
      }),
    addressBase: z
      .union([z.literal(0), z.literal(1)])
      .default(0)
      .meta({ description: '1 where the list of the device counts registers from one. `reference` always does' }),
    probeInterval: wait()
      .prefault('30 s')
      .meta({ description: 'A silent unit is asked more and more rarely, at last this often', examples: ['10 s'] }),
  };
}

export const tcpDevice = z.object({
  unit: z.int().min(0).max(255).default(1).meta({
    description:
      'Unit number. Devices with their own Ethernet port mostly take 1 or 255; behind a converter it is the number on the line',
  }),
  ...deviceKeys(),
});

const BROADCAST_HINT = 'a whole number from 1 to 247; what is written to all units of a line is a point with `broadcast: true`';

export const lineDevice = z.object({
  unit: z
    .int()
    .min(1, { error: ({ input }) => (input === 0 ? BROADCAST_HINT : undefined) })
    .max(247)
    .meta({ description: 'Unit number on the line', examples: [3] }),
  ...deviceKeys(),
});

export type TcpSettings = z.output<typeof tcpConnection>;
export type OverTcpSettings = z.output<typeof overTcpConnection>;
export type SerialSettings = z.output<typeof rtuConnection> | z.output<typeof asciiConnection>;
export type ModbusSettings = TcpSettings | OverTcpSettings | SerialSettings;
export type ModbusDevice = z.output<typeof lineDevice>;
