import type { Table } from './address.ts';

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

export type WriteRequest =
  | { readonly function: 5; readonly unit: number; readonly address: number; readonly value: boolean }
  | { readonly function: 6; readonly unit: number; readonly address: number; readonly value: number }
  | { readonly function: 15; readonly unit: number; readonly address: number; readonly values: readonly boolean[] }
  | { readonly function: 16; readonly unit: number; readonly address: number; readonly registers: Buffer };

export type Request = ReadRequest | WriteRequest;

export const MAX_REGISTERS = 125;
export const MAX_WRITE_REGISTERS = 123;

const READ_FUNCTION: Readonly<Record<Table, ReadFunction>> = { coil: 1, discrete: 2, holding: 3, input: 4 };

export function readFunction(table: Table): ReadFunction {
  return READ_FUNCTION[table];
}

export function isRead(request: Request): request is ReadRequest {
  return request.function <= 4;
}

/** Data bytes that the answer to a read must carry. */
export function answerDataBytes({ function: code, count }: ReadRequest): number {
  return code <= 2 ? Math.ceil(count / 8) : 2 * count;
}

/** Bytes of an RTU request and of its answer, unit and CRC included. */
export function frameBytes(request: Request): { readonly request: number; readonly answer: number } {
  if (isRead(request)) return { request: 8, answer: 5 + answerDataBytes(request) };
  if (request.function === 15) return { request: 9 + Math.ceil(request.values.length / 8), answer: 8 };
  if (request.function === 16) return { request: 9 + request.registers.length, answer: 8 };
  return { request: 8, answer: 8 };
}

/** As in a log line: `unit 3, function 4, address 12, 2 asked`. */
export function describeRequest(request: Request): string {
  const count = isRead(request) ? `, ${request.count} asked` : '';
  return `unit ${request.unit}, function ${request.function}, address ${request.address}${count}`;
}
