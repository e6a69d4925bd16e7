/** Words of PLC languages, manuals and other tools, and ours. */
const FOREIGN_WORDS: Readonly<Record<string, string>> = {
  bool: 'boolean',
  bit: 'boolean',
  sint: 'int8',
  byte: 'uint8',
  usint: 'uint8',
  int: 'int16',
  short: 'int16',
  word: 'uint16',
  uint: 'uint16',
  dint: 'int32',
  long: 'int32',
  dword: 'uint32',
  udint: 'uint32',
  lint: 'int64',
  lword: 'uint64',
  ulint: 'uint64',
  float: 'float32',
  real: 'float32',
  double: 'float64',
  lreal: 'float64',
  text: 'string',
  abcd: 'big-endian',
  cdab: 'little-endian',
  avg: 'mean',
  average: 'mean',
  maximum: 'max',
  minimum: 'min',
  warning: 'warn',
};

/** Which of `words` somebody meant who calls it otherwise, or wrote only its beginning. */
export function translate(source: string, words: readonly string[]): string | undefined {
  const lower = source.toLowerCase();
  const word = Object.hasOwn(FOREIGN_WORDS, lower) ? FOREIGN_WORDS[lower] : undefined;
  if (word !== undefined && words.includes(word)) return word;
  const begun = words.filter((known) => known.startsWith(lower));
  return lower !== '' && begun.length === 1 ? begun[0] : undefined;
}
