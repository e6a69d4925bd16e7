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
  modbus: 'modbus-tcp',
  modbustcp: 'modbus-tcp',
  modbusrtu: 'modbus-rtu',
  rtu: 'modbus-rtu',
  opc: 'opcua',
  'opc-ua': 'opcua',
};

/** Keys of other tools and of manuals, in lower case without `-` and `_`, and ours, in the order in which they are thought of. */
const FOREIGN_KEYS: Readonly<Record<string, readonly string[]>> = {
  ip: ['host', 'url'],
  ipaddress: ['host', 'url'],
  hostname: ['host', 'url'],
  server: ['host', 'url'],
  broker: ['url'],
  endpoint: ['url', 'host'],
  uri: ['url'],
  serialport: ['port'],
  tty: ['port'],
  comport: ['port'],
  device: ['port', 'twin'],
  slave: ['unit'],
  slaveid: ['unit'],
  slaveaddress: ['unit'],
  unitid: ['unit'],
  deviceid: ['unit', 'twin'],
  stationid: ['unit'],
  baud: ['baudRate'],
  speed: ['baudRate'],
  thing: ['twin'],
  asset: ['twin'],
  tags: ['points'],
  registers: ['points'],
  variables: ['points'],
  signals: ['points'],
  datapoints: ['points'],
  register: ['address'],
  addr: ['address'],
  nodeid: ['address'],
  node: ['address'],
  holdingregister: ['holding'],
  holdingregisters: ['holding'],
  inputregister: ['input'],
  inputregisters: ['input'],
  coils: ['coil'],
  discreteinput: ['discrete'],
  datatype: ['type'],
  factor: ['scale'],
  multiplier: ['scale'],
  gain: ['scale'],
  endian: ['wordOrder'],
  endianness: ['wordOrder'],
  wordswap: ['wordOrder'],
  swap: ['wordOrder'],
  byteswap: ['byteOrder'],
  poll: ['interval'],
  polling: ['interval'],
  pollrate: ['interval'],
  scanrate: ['interval'],
  period: ['interval'],
  cycle: ['interval'],
  access: ['write'],
  writable: ['write'],
  writeable: ['write'],
  desc: ['description'],
  comment: ['description'],
  user: ['username'],
};

/** Which of `keys` is meant by one of another tool. */
export function translateKey(key: string, keys: readonly string[]): string | undefined {
  const plain = key.toLowerCase().replaceAll(/[-_ ]/g, '');
  return Object.hasOwn(FOREIGN_KEYS, plain) ? FOREIGN_KEYS[plain]?.find((known) => keys.includes(known)) : undefined;
}

/** Which of `words` somebody meant who calls it otherwise, or wrote only its beginning. */
export function translate(source: string, words: readonly string[]): string | undefined {
  const lower = source.toLowerCase();
  const word = Object.hasOwn(FOREIGN_WORDS, lower) ? FOREIGN_WORDS[lower] : undefined;
  if (word !== undefined && words.includes(word)) return word;
  const begun = words.filter((known) => known.startsWith(lower));
  return lower !== '' && begun.length === 1 ? begun[0] : undefined;
}
