import { GatewayError } from '../../../src/model/error.ts';
import type { Value } from '../../../src/model/value.ts';

/** Why registers that were read are no value; `status` is the OPC UA symbolic name of the bad reading. */
export class NoValue {
  readonly status: string;

  constructor(status: string) {
    this.status = status;
  }
}

/** The device says itself that it has no value there. */
export const ABSENT = new NoValue('BadNoData');
/** What is there cannot be a value of the type: a BCD digit of ten, a thirteenth month. */
export const UNDECODABLE = new NoValue('BadDecodingError');

/**
 * Registers to a value and back. The wire carries each register with its high byte first (Modbus Application Protocol 1.1b3,
 * section 4.2). Codecs are put together from one that knows a type and others around it, each with one job: the order of
 * registers, a value that means "none", an array.
 */
export interface Codec {
  /** Exactly the registers of the value. Never throws. NaN and the infinities stay numbers. */
  decode(registers: Buffer): Value | NoValue;
  /** The same out of the middle of an answer, for the numbers that most points are. */
  readonly fast?: FastDecoder;
  /** Throws VALUE_TYPE or VALUE_OUT_OF_RANGE. */
  encode(value: Value, subject: string): Encoded;
}

export interface FastDecoder {
  readonly bytes: number;
  decodeAt(answer: Buffer, at: number): number;
}

export interface Encoded {
  readonly registers: Buffer;
  /** The bits that are the value's; the others belong to somebody else and stay. Absent: all. */
  readonly mask?: Buffer;
}

export function wrongType(expected: string, value: Value, subject: string): GatewayError {
  return new GatewayError('VALUE_TYPE', subject, `expected ${expected}, got ${JSON.stringify(value, digits)}`);
}

export function outOfRange(value: Value, holder: string, subject: string): GatewayError {
  return new GatewayError('VALUE_OUT_OF_RANGE', subject, `${String(value)} does not fit into ${holder}`);
}

function digits(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' || Number.isNaN(value) ? String(value) : value;
}

export function toBoolean(value: Value, subject: string): boolean {
  if (typeof value === 'boolean') return value;
  if (value === 1 || value === 0 || value === 1n || value === 0n) return Boolean(value);
  throw wrongType('true or false', value, subject);
}
