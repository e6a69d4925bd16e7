import { type Request, requestBytes } from './request.ts';

/**
 * Requests as bytes: unit and PDU (Modbus Application Protocol 1.1b3, section 6), which both framings have in common. Numbers
 * go with the high byte first, bits with the first in the lowest bit of the first byte.
 */
export function encodeRequest(request: Request): Buffer {
  const body = Buffer.allocUnsafe(requestBytes(request));
  writeRequest(request, body, 0);
  return body;
}

/** The same into a frame that has room for it. */
export function writeRequest(request: Request, frame: Buffer, at: number): void {
  frame[at] = request.unit;
  frame[at + 1] = request.function;
  if (request.function === 43) {
    frame.set([READ_DEVICE_IDENTIFICATION, request.category, request.object], at + 2);
    return;
  }
  writeNumber(frame, at + 2, request.address);
  writeRest(request, frame, at + 4);
}

/** MEI type. */
export const READ_DEVICE_IDENTIFICATION = 14;
export const COIL_ON = 0xff00;

function writeRest(request: Exclude<Request, { function: 43 }>, frame: Buffer, at: number): void {
  switch (request.function) {
    case 5:
      writeNumber(frame, at, request.value ? COIL_ON : 0);
      break;
    case 6:
      writeNumber(frame, at, request.value);
      break;
    case 15:
      writeBits(request.values, frame, at);
      break;
    case 16:
      writeRegisters(request.registers, frame, at);
      break;
    case 22:
      writeNumber(frame, at, request.and);
      writeNumber(frame, at + 2, request.or);
      break;
    case 23:
      writeNumber(frame, at, request.count);
      writeNumber(frame, at + 2, request.writeAddress);
      writeRegisters(request.registers, frame, at + 4);
      break;
    default:
      writeNumber(frame, at, request.count);
  }
}

function writeNumber(frame: Buffer, at: number, value: number): void {
  frame[at] = value >> 8;
  frame[at + 1] = value & 0xff;
}

function writeRegisters(registers: Buffer, frame: Buffer, at: number): void {
  writeNumber(frame, at, registers.length / 2);
  frame[at + 2] = registers.length;
  frame.set(registers, at + 3);
}

function writeBits(values: readonly boolean[], frame: Buffer, at: number): void {
  const bytes = Math.ceil(values.length / 8);
  writeNumber(frame, at, values.length);
  frame[at + 2] = bytes;
  frame.fill(0, at + 3, at + 3 + bytes);
  values.forEach((isSet, index) => {
    const byte = at + 3 + (index >> 3);
    if (isSet) frame[byte] = (frame[byte] ?? 0) | (1 << (index & 7));
  });
}
