import type { DataType } from '../model/data-type.ts';
import type { ValueType } from '../model/point-description.ts';
import type { Json } from './dtdl-schema.ts';

const integer = (minimum: number, maximum: number) => ({ type: 'integer', minimum, maximum });
/** Beyond what a double holds exactly integers are sent as texts. */
const LARGE = { oneOf: [{ type: 'integer' }, { type: 'string', pattern: '^-?\\d+$' }] };

const SCHEMAS: Readonly<Record<DataType, Json>> = {
  boolean: { type: 'boolean' },
  int8: integer(-128, 127),
  uint8: integer(0, 255),
  int16: integer(-32_768, 32_767),
  uint16: integer(0, 65_535),
  int32: integer(-(2 ** 31), 2 ** 31 - 1),
  uint32: integer(0, 2 ** 32 - 1),
  int48: integer(-(2 ** 47), 2 ** 47 - 1),
  uint48: integer(0, 2 ** 48 - 1),
  int64: LARGE,
  uint64: LARGE,
  float16: { type: 'number' },
  float32: { type: 'number' },
  float64: { type: 'number' },
  string: { type: 'string' },
  dateTime: { type: 'string', format: 'date-time' },
  bytes: { type: 'string', contentEncoding: 'base64' },
  guid: { type: 'string', format: 'uuid' },
};

/** The data schema of a value as messages hold it (WoT Thing Description 1.1 §5.3.2). */
export function dataSchemaOf(type: ValueType): Json {
  if (typeof type === 'string') return SCHEMAS[type];
  if ('element' in type) return { type: 'array', items: dataSchemaOf(type.element) };
  const properties = Object.fromEntries(Object.entries(type.fields).map(([name, field]) => [name, dataSchemaOf(field)]));
  return { type: 'object', properties };
}

export interface Limits {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly values?: readonly unknown[] | undefined;
}

/** The same for fewer values; limits hold for each scalar in a list. */
export function limited(schema: Json, { min, max, values }: Limits): Json {
  if (schema.type === 'array') return { ...schema, items: limited(schema.items as Json, { min, max, values }) };
  return {
    ...schema,
    ...(min === undefined ? {} : { minimum: min }),
    ...(max === undefined ? {} : { maximum: max }),
    ...(values === undefined ? {} : { enum: values.map((one) => (typeof one === 'bigint' ? String(one) : one)) }),
  };
}
