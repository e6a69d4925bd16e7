import type { Table } from '../mapping/address.ts';

/** Function codes and their limits (Modbus Application Protocol 1.1b3, section 6). */
export type ReadFunction = 1 | 2 | 3 | 4;

export interface ReadRequest {
  readonly function: ReadFunction;
  readonly unit: number;
  /** Zero-based. */
  readonly address: number;
  /** Registers or bits. */
  readonly count: number;
}

/** What is answered with a confirmation. 22: register = (register AND `and`) OR (`or` AND NOT `and`), done by the device. */
export type WriteRequest =
  | { readonly function: 5; readonly unit: number; readonly address: number; readonly value: boolean }
  | { readonly function: 6; readonly unit: number; readonly address: number; readonly value: number }
  | { readonly function: 15; readonly unit: number; readonly address: number; readonly values: readonly boolean[] }
  | { readonly function: 16; readonly unit: number; readonly address: number; readonly registers: Buffer }
  | { readonly function: 22; readonly unit: number; readonly address: number; readonly and: number; readonly or: number };

/** Writes `registers` from `writeAddress`, then reads `count` registers from `address`, in one transaction. */
export interface ReadWriteRequest {
  readonly function: 23;
  readonly unit: number;
  readonly address: number;
  readonly count: number;
  readonly writeAddress: number;
  readonly registers: Buffer;
}

/** Function 43 with MEI type 14: a stream of the basic (1), regular (2) or extended (3) objects, or one single object (4). */
export interface IdentifyRequest {
  readonly function: 43;
  readonly unit: number;
  readonly category: 1 | 2 | 3 | 4;
  /** The object to begin with; 0 for the first. */
  readonly object: number;
}

export type Request = ReadRequest | WriteRequest | ReadWriteRequest | IdentifyRequest;

/** The unit number on a serial line that all units obey and none answers. */
export const BROADCAST = 0;

export const MAX_REGISTERS = 125;
export const MAX_WRITE_REGISTERS = 123;
export const MAX_WRITE_COILS = 1_968;
export const MAX_READ_WRITE_REGISTERS = 121;
/** Unit and PDU. */
export const MAX_BODY_BYTES = 254;

const READ_FUNCTION: Readonly<Record<Table, ReadFunction>> = { coil: 1, discrete: 2, holding: 3, input: 4 };

export function readFunction(table: Table): ReadFunction {
  return READ_FUNCTION[table];
}

export function isRead(request: Request): request is ReadRequest {
  return request.function <= 4;
}

/** Whether asking twice changes nothing. */
export function isRepeatable({ function: code }: Request): boolean {
  return code <= 4 || code === 43;
}

/** Data bytes that the answer to a read must carry. */
export function answerDataBytes({ function: code, count }: ReadRequest | ReadWriteRequest): number {
  return code <= 2 ? Math.ceil(count / 8) : 2 * count;
}

/** Bytes of the request: unit and PDU. */
export function requestBytes(request: Request): number {
  switch (request.function) {
    case 15:
      return 7 + Math.ceil(request.values.length / 8);
    case 16:
      return 7 + request.registers.length;
    case 22:
      return 8;
    case 23:
      return 11 + request.registers.length;
    case 43:
      return 5;
    default:
      return 6;
  }
}

/** Bytes of the answer: unit and PDU. The most that may come where that is not known beforehand (43). */
export function answerBytes(request: Request): number {
  if (isRead(request) || request.function === 23) return 3 + answerDataBytes(request);
  if (request.function === 43) return MAX_BODY_BYTES;
  return request.function === 22 ? 8 : 6;
}

/** As in a log line: `unit 3, function 4, address 12, 2 asked`. */
export function describeRequest(request: Request): string {
  const who = `unit ${request.unit}, function ${request.function}`;
  if (request.function === 43) return `${who}, object ${request.object}`;
  const count = 'count' in request ? `, ${request.count} asked` : '';
  return `${who}, address ${request.address}${count}`;
}
