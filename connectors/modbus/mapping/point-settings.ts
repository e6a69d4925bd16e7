import { z } from 'zod';
import { addressSchema, registerAddressSchema } from './address-settings.ts';
import { parseDateTimeFormat } from './date-time-format.ts';
import { isTimeZone } from './time-zone.ts';

export const WORD_ORDERS = ['big-endian', 'little-endian', 'big-endian-swapped', 'little-endian-swapped'] as const;
export const BYTE_ORDERS = ['big-endian', 'little-endian'] as const;

export const ENCODINGS = [
  'binary',
  'bcd',
  'modulo-10000',
  'sign-magnitude',
  'utf8',
  'latin1',
  'utf16',
  'epoch-seconds',
  'epoch-milliseconds',
  'cp56time2a',
] as const;
export type Encoding = (typeof ENCODINGS)[number];

const MAX_BIT = 63;
const bitNumber = z.int().min(0).max(MAX_BIT);
const bitRun = z
  .tuple([bitNumber, bitNumber])
  .refine(([low, high]) => low < high, 'the lowest and the highest bit, e.g. `[4, 7]`; for one bit only its number');

const absentNumber = z.union([
  z.number(),
  z.string().regex(/^0x[0-9A-Fa-f]{1,16}$/, 'a number, or all bits of the value as text, e.g. `"0x8000000000000000"`'),
]);

const ABSENT = '`sunspec`, a number, all bits as text such as `"0x8000"`, or a list of numbers';

function isFormat(text: string): boolean {
  return parseDateTimeFormat(text, true) !== undefined || parseDateTimeFormat(text, false) !== undefined;
}

export const pointSchema = z.object({
  address: addressSchema,
  wordOrder: z.enum(WORD_ORDERS).default('big-endian').meta({
    description:
      'Order of the registers of a value: `big-endian` is most significant first (ABCD), `little-endian` least significant first (CDAB; of four registers GHEFCDAB). `-swapped`: the registers of each pair change places (of four CDABGHEF or EFGHABCD)',
  }),
  byteOrder: z.enum(BYTE_ORDERS).default('big-endian').meta({
    description:
      'Order of the two bytes in a register: `big-endian` is the standard; `little-endian` gives BADC, with `wordOrder: little-endian` DCBA',
  }),
  encoding: z
    .enum(ENCODINGS)
    .optional()
    .meta({
      description:
        'How the value lies in its registers. Whole numbers: `binary` (default), `bcd` (a digit in four bits), `modulo-10000` (four decimal digits a register), `sign-magnitude`. Text: `utf8` (default), `latin1`, `utf16`. dateTime: `epoch-seconds`, `epoch-milliseconds`, `cp56time2a` (IEC 870-5-4), or with `format` `binary` or `bcd`',
      examples: ['bcd'],
    }),
  length: z
    .int()
    .min(1)
    .max(125)
    .optional()
    .meta({ description: 'Registers of a `string` or of `bytes`; of `epoch-seconds` 2 (default) or 4', examples: [8] }),
  count: z
    .int()
    .min(1)
    .max(2_000)
    .optional()
    .meta({ description: 'So many values side by side, as one array', examples: [24] }),
  fields: z
    .record(z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/, 'a name of letters, digits and `_`'), z.union([bitNumber, bitRun]))
    .refine((fields) => Object.keys(fields).length > 0, 'at least one field')
    .optional()
    .meta({
      description:
        'Bits of a status word by name, as one object: a bit is true or false, a run `[lowest, highest]` is a number. 0 is the least significant of the whole value',
      examples: [{ running: 0, alarm: 3, mode: [4, 7] }],
    }),
  trim: z.enum(['end', 'start', 'both', 'none']).default('end').meta({
    description: 'On which sides of a `string` blanks and NULs are no part of it. At the end it stops at its first NUL',
  }),
  format: z
    .string()
    .refine(isFormat, 'groups of the letters Y M D h m s f, one group a register, e.g. `YYYY MM DD hh mm ss` or `YYMM DDhh mmss`')
    .optional()
    .meta({
      description:
        'Where the parts of a `dateTime` lie, one group a register: a number (`YYYY`) or two bytes (`MMDD`); with `encoding: bcd` four digits. `f` is milliseconds, `.` is of no interest',
      examples: ['YYYY MM DD hh mm ss', 'YYMM DDhh mmss'],
    }),
  timeZone: z
    .string()
    .refine(isTimeZone, 'a time zone, e.g. `Europe/Berlin` or `+01:00`')
    .default('UTC')
    .meta({ description: 'What the clock of the device shows. Values are always sent as UTC', examples: ['Europe/Berlin'] }),
  absent: z
    .union([z.literal('sunspec'), absentNumber.transform((one) => [one]), z.array(absentNumber).min(1)], { error: ABSENT })
    .optional()
    .meta({
      description:
        'What the device holds where it has no value: numbers as they are before `scale`, or all bits as `0x…`. `sunspec`: 0x8000… for signed, 0xFFFF… for unsigned, NaN for floats, no text. The reading is bad with status BadNoData',
      examples: ['sunspec', 0x7fff],
    }),
  exponent: registerAddressSchema.optional().meta({
    description:
      'Register beside the value that holds a power of ten (SunSpec: scale factor): value = number × 10^exponent. Both are read in one request',
    examples: [{ holding: 84 }],
  }),
  together: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: 'Points of a device with the same word here are read in one request, so that their values are of one instant',
      examples: ['energy'],
    }),
  broadcast: z.boolean().default(false).meta({
    description: 'Written to all units of a serial line at once (unit 0, which nobody answers), read from the unit of the device',
  }),
  writeWith: z.enum(['single', 'multiple', 'mask', 'read-write']).optional().meta({
    description:
      'Function used to write: `single` (5, 6), `multiple` (15, 16), `mask` (22: the device itself changes the bits), `read-write` (23: writes and reads back at once). Default: `mask` for bits and half registers, `single` for one coil or register, else `multiple`. With `single` or `multiple` bits are changed in what was just read',
  }),
});

export type ModbusPoint = z.output<typeof pointSchema>;
