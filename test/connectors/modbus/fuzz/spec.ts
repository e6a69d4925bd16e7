import type { Request } from '../../../../connectors/modbus/protocol/request.ts';
import { SimulatedModbusDevice } from '../../../../src/simulator/modbus-device.ts';
import { emptyMemory } from '../../../../src/simulator/modbus-memory.ts';

/**
 * What the standard says about an answer, written without a look at the connector. Registers and bits below `WRITABLE_FROM` hold
 * a value that follows from unit and address: a value at the wrong place is a visible one.
 */
export const WRITABLE_FROM = 60_000;
export const UNITS = [1, 2, 247] as const;

export function registerOf(unit: number, table: number, address: number): number {
  return ((address + 1) * 40_503 + unit * 7_919 + table * 977) & 0xffff;
}

function deviceOf(unit: number): SimulatedModbusDevice {
  const memory = emptyMemory();
  for (let address = 0; address < 65_536; address += 1) {
    memory.holding[address] = registerOf(unit, 3, address);
    memory.input[address] = registerOf(unit, 4, address);
    memory.coil[address] = registerOf(unit, 1, address) & 1;
    memory.discrete[address] = registerOf(unit, 2, address) & 1;
  }
  return new SimulatedModbusDevice({ memory });
}

export const DEVICES: ReadonlyMap<number, SimulatedModbusDevice> = new Map(UNITS.map((unit) => [unit, deviceOf(unit)]));

/** Whether a whole answer (unit and PDU) may be taken for the answer to the request. */
export function mayAnswer(request: Request, body: Buffer): boolean {
  const [unit, code] = body;
  if (unit !== request.unit) return false;
  if (code === (request.function | 0x80)) return body.length === 3;
  if (code !== request.function) return false;
  switch (request.function) {
    case 1:
    case 2:
      return body[2] === Math.ceil(request.count / 8) && body.length === 3 + body[2];
    case 3:
    case 4:
    case 23:
      return body[2] === 2 * request.count && body.length === 3 + body[2];
    case 43:
      return body[2] === 0x0e && body[3] === request.category;
    default:
      return body.subarray(2).equals(confirmationOf(request));
  }
}

type Confirmed = Exclude<Request, { readonly function: 1 | 2 | 3 | 4 | 23 | 43 }>;

function confirmationOf(request: Confirmed): Buffer {
  const words = (...values: number[]) => Buffer.from(values.flatMap((value) => [value >> 8, value & 0xff]));
  switch (request.function) {
    case 5:
      return words(request.address, request.value ? 0xff00 : 0);
    case 6:
      return words(request.address, request.value);
    case 15:
      return words(request.address, request.values.length);
    case 16:
      return words(request.address, request.registers.length / 2);
    case 22:
      return words(request.address, request.and, request.or);
  }
}

/** Whether registers or bits of an accepted answer are those of unit and address. */
export function isTrue(request: Request, body: Buffer): boolean {
  if (((body[1] ?? 0) & 0x80) !== 0) return false;
  const code = request.function === 23 ? 3 : request.function;
  if (code > 4 || !('count' in request)) return true;
  for (let index = 0; index < request.count; index += 1) {
    const expected = registerOf(request.unit, code, request.address + index);
    const found = code > 2 ? body.readUInt16BE(3 + 2 * index) : ((body[3 + (index >> 3)] ?? 0) >> (index & 7)) & 1;
    if (found !== (code > 2 ? expected : expected & 1)) return false;
  }
  return true;
}

/** Whether the frame of this answer, checksum included, stands anywhere in the bytes of a line. Digits of text may be small. */
export function isOnLine(stream: Buffer, frame: Buffer): boolean {
  return stream.includes(frame) || stream.toString('latin1').toUpperCase().includes(frame.toString('latin1'));
}

/** The answers to a transaction in the bytes of a TCP connection, read in step from the first byte on. */
export function answersOnConnection(stream: Buffer, transaction: number): readonly Buffer[] {
  const found: Buffer[] = [];
  let at = 0;
  while (stream.length - at >= 6) {
    const [id, protocol, length] = [stream.readUInt16BE(at), stream.readUInt16BE(at + 2), stream.readUInt16BE(at + 4)];
    if (protocol !== 0 || length < 3 || length > 254 || stream.length < at + 6 + length) break;
    if (id === transaction) found.push(stream.subarray(at + 6, at + 6 + length));
    at += 6 + length;
  }
  return found;
}
