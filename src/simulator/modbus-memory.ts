/** The four tables of a simulated Modbus device; cells are addressed from 0 as on the wire. */
export interface ModbusMemory {
  /** 0 or 1 each. */
  readonly coil: Uint8Array;
  readonly discrete: Uint8Array;
  readonly input: Uint16Array;
  readonly holding: Uint16Array;
}

export type ModbusTable = keyof ModbusMemory;

const CELLS = 65_536;

/** Every register holds its own address, every bit is 1 where its address is odd: a shifted answer is a visible answer. */
export function addressMemory(): ModbusMemory {
  return {
    coil: Uint8Array.from({ length: CELLS }, (_, address) => address & 1),
    discrete: Uint8Array.from({ length: CELLS }, (_, address) => address & 1),
    input: Uint16Array.from({ length: CELLS }, (_, address) => address),
    holding: Uint16Array.from({ length: CELLS }, (_, address) => address),
  };
}

export function emptyMemory(): ModbusMemory {
  return {
    coil: new Uint8Array(CELLS),
    discrete: new Uint8Array(CELLS),
    input: new Uint16Array(CELLS),
    holding: new Uint16Array(CELLS),
  };
}

export type WordOrder = 'big-endian' | 'little-endian';

/** Puts the bytes of a value (most significant first) into registers; `little-endian` puts its last register first. */
export function putRegisters(table: Uint16Array, address: number, bytes: Buffer, wordOrder: WordOrder = 'big-endian'): void {
  const words = Array.from({ length: bytes.length / 2 }, (_, index) => bytes.readUInt16BE(index * 2));
  table.set(wordOrder === 'big-endian' ? words : words.reverse(), address);
}

export function float32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatBE(value);
  return bytes;
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}
