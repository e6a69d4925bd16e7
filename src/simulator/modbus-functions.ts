/**
 * What a Modbus server does with a request, by function code. Written from the Modbus Application Protocol V1.1b3, section 6,
 * without any Modbus library: an independent witness for the connector.
 */
import { EXCEPTION } from './modbus-exception.ts';
import { identify, type ModbusIdentity } from './modbus-identity.ts';
import type { ModbusMemory, ModbusTable } from './modbus-memory.ts';

/** What a function may touch. */
export interface ModbusStore {
  readonly memory: ModbusMemory;
  /** Whether the device has every one of these cells. */
  has(table: ModbusTable, address: number, quantity: number): boolean;
  /** Most registers in one answer. */
  readonly maxRegisters: number;
  readonly identity: ModbusIdentity;
}

/** The data of the answer behind the function code, or an exception code. `data` is the request behind the function code. */
export type ModbusFunction = (store: ModbusStore, data: Buffer) => Buffer | number;

export const FUNCTIONS: Readonly<Record<number, ModbusFunction>> = {
  1: (store, data) => readBits(store, 'coil', data),
  2: (store, data) => readBits(store, 'discrete', data),
  3: (store, data) => readRegisters(store, 'holding', data),
  4: (store, data) => readRegisters(store, 'input', data),
  5: writeCoil,
  6: writeRegister,
  8: echoDiagnostics,
  15: writeCoils,
  16: writeRegisters,
  22: maskRegister,
  23: readWriteRegisters,
  43: ({ identity }, data) => identify(identity, data),
};

/** The functions that change the device. */
export const WRITE_FUNCTIONS: readonly number[] = [5, 6, 15, 16, 22, 23];

function readBits({ memory, has }: ModbusStore, table: 'coil' | 'discrete', data: Buffer): Buffer | number {
  if (data.length !== 4) return EXCEPTION.illegalValue;
  const [address, quantity] = [data.readUInt16BE(0), data.readUInt16BE(2)];
  if (quantity < 1 || quantity > 2000) return EXCEPTION.illegalValue;
  if (!has(table, address, quantity)) return EXCEPTION.illegalAddress;
  const bytes = Buffer.alloc(Math.ceil(quantity / 8));
  for (let bit = 0; bit < quantity; bit += 1) {
    const index = bit >> 3;
    bytes[index] = (bytes[index] ?? 0) | ((memory[table][address + bit] ?? 0) << (bit & 7));
  }
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}

function readRegisters(store: ModbusStore, table: 'input' | 'holding', data: Buffer): Buffer | number {
  if (data.length !== 4) return EXCEPTION.illegalValue;
  const [address, quantity] = [data.readUInt16BE(0), data.readUInt16BE(2)];
  if (quantity < 1 || quantity > 125) return EXCEPTION.illegalValue;
  if (quantity > store.maxRegisters || !store.has(table, address, quantity)) return EXCEPTION.illegalAddress;
  return registerBytes(store.memory[table], address, quantity);
}

function registerBytes(table: Uint16Array, address: number, quantity: number): Buffer {
  const bytes = Buffer.alloc(1 + 2 * quantity);
  bytes.writeUInt8(2 * quantity, 0);
  for (let index = 0; index < quantity; index += 1) bytes.writeUInt16BE(table[address + index] ?? 0, 1 + 2 * index);
  return bytes;
}

function writeCoil({ memory, has }: ModbusStore, data: Buffer): Buffer | number {
  if (data.length !== 4) return EXCEPTION.illegalValue;
  const [address, value] = [data.readUInt16BE(0), data.readUInt16BE(2)];
  if (value !== 0xff00 && value !== 0) return EXCEPTION.illegalValue;
  if (!has('coil', address, 1)) return EXCEPTION.illegalAddress;
  memory.coil[address] = value === 0 ? 0 : 1;
  return data;
}

function writeRegister({ memory, has }: ModbusStore, data: Buffer): Buffer | number {
  if (data.length !== 4) return EXCEPTION.illegalValue;
  const address = data.readUInt16BE(0);
  if (!has('holding', address, 1)) return EXCEPTION.illegalAddress;
  memory.holding[address] = data.readUInt16BE(2);
  return data;
}

/** Sub-function 0 sends back what it was given; the others belong to real serial ports. */
function echoDiagnostics(_store: ModbusStore, data: Buffer): Buffer | number {
  return data.length >= 2 && data.readUInt16BE(0) === 0 ? data : EXCEPTION.illegalFunction;
}

function writeCoils({ memory, has }: ModbusStore, data: Buffer): Buffer | number {
  if (data.length < 6) return EXCEPTION.illegalValue;
  const [address, quantity, count] = [data.readUInt16BE(0), data.readUInt16BE(2), data.readUInt8(4)];
  const isComplete = count === Math.ceil(quantity / 8) && data.length === 5 + count;
  if (quantity < 1 || quantity > 1968 || !isComplete) return EXCEPTION.illegalValue;
  if (!has('coil', address, quantity)) return EXCEPTION.illegalAddress;
  for (let bit = 0; bit < quantity; bit += 1) memory.coil[address + bit] = (data.readUInt8(5 + (bit >> 3)) >> (bit & 7)) & 1;
  return data.subarray(0, 4);
}

function writeRegisters({ memory, has }: ModbusStore, data: Buffer): Buffer | number {
  if (data.length < 7) return EXCEPTION.illegalValue;
  const [address, quantity, count] = [data.readUInt16BE(0), data.readUInt16BE(2), data.readUInt8(4)];
  const isComplete = count === 2 * quantity && data.length === 5 + count;
  if (quantity < 1 || quantity > 123 || !isComplete) return EXCEPTION.illegalValue;
  if (!has('holding', address, quantity)) return EXCEPTION.illegalAddress;
  for (let index = 0; index < quantity; index += 1) memory.holding[address + index] = data.readUInt16BE(5 + 2 * index);
  return data.subarray(0, 4);
}

function maskRegister({ memory, has }: ModbusStore, data: Buffer): Buffer | number {
  if (data.length !== 6) return EXCEPTION.illegalValue;
  const [address, and, or] = [data.readUInt16BE(0), data.readUInt16BE(2), data.readUInt16BE(4)];
  if (!has('holding', address, 1)) return EXCEPTION.illegalAddress;
  memory.holding[address] = ((memory.holding[address] ?? 0) & and) | (or & ~and);
  return data;
}

/** Section 6.17: the write is done before the read. */
function readWriteRegisters(store: ModbusStore, data: Buffer): Buffer | number {
  if (data.length < 11) return EXCEPTION.illegalValue;
  const [readAddress, readQuantity] = [data.readUInt16BE(0), data.readUInt16BE(2)];
  const [writeAddress, writeQuantity, count] = [data.readUInt16BE(4), data.readUInt16BE(6), data.readUInt8(8)];
  const isComplete = count === 2 * writeQuantity && data.length === 9 + count;
  const isSized = readQuantity >= 1 && readQuantity <= 125 && writeQuantity >= 1 && writeQuantity <= 121;
  if (!isComplete || !isSized) return EXCEPTION.illegalValue;
  const isThere = store.has('holding', readAddress, readQuantity) && store.has('holding', writeAddress, writeQuantity);
  if (readQuantity > store.maxRegisters || !isThere) return EXCEPTION.illegalAddress;
  const { holding } = store.memory;
  for (let index = 0; index < writeQuantity; index += 1) holding[writeAddress + index] = data.readUInt16BE(9 + 2 * index);
  return registerBytes(holding, readAddress, readQuantity);
}
