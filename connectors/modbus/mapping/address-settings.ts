import { z } from 'zod';
import { type ModbusAddress, parseReference, TABLES } from './address.ts';
import { IDENTIFICATION_NAMES, identificationObject } from './identification-objects.ts';

const cell = (what: string) =>
  z
    .int()
    .min(0)
    .max(65_536, { error: ({ input }) => referenceHint(input) })
    .optional()
    .meta({ description: `${what}, counted from 0 (or from \`addressBase\`)`, examples: [100] });

function referenceHint(input: unknown): string | undefined {
  if (typeof input !== 'number' || parseReference(input) === undefined) return undefined;
  return `a number counted from 0; for the number in the list of the device write \`reference: ${input}\``;
}

const ADDRESS_HINT = 'an address, e.g. `{ holding: 100 }` counted from 0, or `{ reference: 40101 }` as in the list of the device';

const place = {
  holding: cell('Holding register'),
  input: cell('Input register'),
  coil: cell('Coil'),
  discrete: cell('Discrete input'),
  reference: z
    .union([z.int(), z.string()], { error: 'a number such as `30013`, `40001` or `400001`' })
    .refine((reference) => parseReference(reference) !== undefined, {
      error:
        'five or six digits: 0 (coil), 1 (discrete input), 3 (input register) or 4 (holding register), then the number from 1',
    })
    .optional()
    .meta({
      description: 'Number in Modicon notation, which counts from one: 40001 is `holding: 0`',
      examples: [30013, 400001],
    }),
};

const bit = z.int().min(0).max(15);

const parts = {
  bit: bit.optional().meta({ description: 'Bit of the register, 0 is the least significant' }),
  bits: z
    .tuple([bit, bit], { error: 'the lowest and the highest bit, e.g. `[4, 7]`' })
    .refine(([low, high]) => low < high, 'the lowest and the highest bit, e.g. `[4, 7]`; for one bit write `bit`')
    .optional()
    .meta({ description: 'Run of bits of the register that is a number of its own: lowest and highest bit', examples: [[4, 7]] }),
};

type Place = { readonly [key in keyof typeof place]?: z.output<(typeof place)[key]> };

/** The one place that is named, or `undefined` where that is none or several. */
function findPlace(keys: Place): Pick<ModbusAddress, 'table' | 'number' | 'notation'> | undefined {
  const [table, ...others] = TABLES.filter((name) => keys[name] !== undefined);
  const parsed = keys.reference === undefined ? undefined : parseReference(keys.reference);
  if (others.length > 0 || (table === undefined) === (parsed === undefined)) return undefined;
  if (parsed !== undefined) return { ...parsed, notation: 'reference' };
  return table && { table, number: keys[table] ?? 0, notation: 'number' };
}

const ONE_PLACE = 'exactly one of `holding`, `input`, `coil`, `discrete` and `reference`';

/** Where a value is. `identification`: an object of the device identification (function 43), which is no register. */
export type PointAddress = ModbusAddress | { readonly identification: number };

export const addressSchema = z
  .strictObject(
    {
      ...place,
      ...parts,
      identification: z
        .union([z.enum(IDENTIFICATION_NAMES), z.int().min(128).max(255)], {
          error: `one of ${IDENTIFICATION_NAMES.join(', ')}, or the number of an object of the maker, 128 to 255`,
        })
        .optional()
        .meta({
          description:
            'Text with which the device identifies itself (function 43): read once for each connection, then every hour',
          examples: ['vendorName', 'modelName'],
        }),
    },
    { error: (issue) => (issue.code === 'invalid_type' ? addressHint(issue.input) : undefined) },
  )
  .transform((keys, context): PointAddress => {
    const { identification, bit, bits } = keys;
    const found = findPlace(keys);
    if (identification !== undefined) {
      const object = identificationObject(identification);
      if (Object.values(keys).filter((value) => value !== undefined).length === 1) return { identification: object };
      context.addIssue({ code: 'custom', message: '`identification` alone; it is no register' });
      return z.NEVER;
    }
    if (found === undefined) context.addIssue({ code: 'custom', message: ONE_PLACE });
    else if (bit !== undefined && bits !== undefined) context.addIssue({ code: 'custom', message: '`bit` or `bits`, not both' });
    else return { ...found, ...(bit === undefined ? {} : { bit }), ...(bits === undefined ? {} : { bits }) };
    return z.NEVER;
  })
  .meta({
    description:
      'Where the value is: a table with a number counted from 0, or `reference`; `bit` or `bits` for a part of a register; or `identification`',
    examples: [{ holding: 100 }, { input: 12, bit: 3 }, { coil: 4 }, { reference: 40001 }],
  });

/** The place of a whole register. */
export const registerAddressSchema = z.strictObject(place).transform((keys, context): ModbusAddress => {
  const found = findPlace(keys);
  if (found !== undefined) return found;
  context.addIssue({ code: 'custom', message: ONE_PLACE });
  return z.NEVER;
});

function addressHint(input: unknown): string {
  const isReference = (typeof input === 'number' || typeof input === 'string') && parseReference(input) !== undefined;
  return isReference ? `an address; for the number in the list of the device write \`{ reference: ${input} }\`` : ADDRESS_HINT;
}
