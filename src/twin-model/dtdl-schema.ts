import type { DataType } from '../model/data-type.ts';
import type { ValueType } from '../model/point-description.ts';

export type DtdlVersion = 3 | 4;
export type Json = Readonly<Record<string, unknown>>;

/** DTDL v3 has whole numbers of 32 and 64 bits with a sign only: the smallest that holds all values; none holds a uint64 but a double. */
const V3: Readonly<Record<DataType, string>> = {
  boolean: 'boolean',
  int8: 'integer',
  uint8: 'integer',
  int16: 'integer',
  uint16: 'integer',
  int32: 'integer',
  uint32: 'long',
  int48: 'long',
  uint48: 'long',
  int64: 'long',
  uint64: 'double',
  float16: 'float',
  float32: 'float',
  float64: 'double',
  string: 'string',
  dateTime: 'dateTime',
  bytes: 'string',
  guid: 'string',
};

const V4: Readonly<Record<DataType, string>> = {
  ...V3,
  int8: 'byte',
  uint8: 'unsignedByte',
  int16: 'short',
  uint16: 'unsignedShort',
  uint32: 'unsignedInteger',
  uint48: 'unsignedLong',
  uint64: 'unsignedLong',
  bytes: 'bytes',
  guid: 'uuid',
};

export function schemaOf(type: ValueType, version: DtdlVersion): string | Json {
  if (typeof type === 'string') return (version === 3 ? V3 : V4)[type];
  if ('element' in type) return { '@type': 'Array', elementSchema: schemaOf(type.element, version) };
  const fields = Object.entries(type.fields).map(([name, field]) => ({ name, schema: schemaOf(field, version) }));
  return { '@type': 'Object', fields };
}

/** The words of `labels` as an enumeration of texts. */
export function enumOf(words: Readonly<Record<string, string>>): Json {
  const names = new Set<string>();
  const enumValues = Object.values(words).map((word) => ({ name: unusedName(word, names), displayName: word, enumValue: word }));
  return { '@type': 'Enum', valueSchema: 'string', enumValues };
}

/** Names of DTDL are letters, digits and `_`, a letter first, no `_` at the end. */
function unusedName(word: string, taken: Set<string>): string {
  const plain = word.replaceAll(/[^A-Za-z0-9]+/g, '_').replaceAll(/^_+|_+$/g, '');
  const base = /^[A-Za-z]/.test(plain) ? plain : `value_${plain}`.replace(/_$/, '');
  let name = base;
  for (let count = 2; taken.has(name); count += 1) name = `${base}_${count}`;
  taken.add(name);
  return name;
}
