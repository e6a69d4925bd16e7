/** The types a point may declare; names are those of the mapping file. `bytes`, `guid` and `dateTime` travel as text. */
export const DATA_TYPES = [
  'boolean',
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int48',
  'uint48',
  'int64',
  'uint64',
  'float16',
  'float32',
  'float64',
  'string',
  'dateTime',
  'bytes',
  'guid',
] as const;
export type DataType = (typeof DATA_TYPES)[number];

export function isNumberType(type: DataType): boolean {
  return /^(u?int|float)\d+$/.test(type);
}
