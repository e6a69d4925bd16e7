import { type ErrorCode, GatewayError } from '../../../src/model/error.ts';
import { describeRequest, type Request } from './request.ts';

/** The number with which a device refused (Modbus Application Protocol 1.1b3, section 7); the cause of the error that tells it. */
class ModbusException {
  readonly number: number;

  constructor(number: number) {
    this.number = number;
  }
}

const NAMES: Readonly<Record<number, string>> = {
  1: 'illegal function',
  2: 'illegal data address',
  3: 'illegal data value',
  4: 'device failure',
  5: 'acknowledged, wait',
  6: 'busy',
  8: 'memory parity error',
  10: 'no path through the gateway',
  11: 'the unit does not answer its gateway',
};

const CODES: Readonly<Record<number, ErrorCode>> = {
  5: 'DEVICE_BUSY',
  6: 'DEVICE_BUSY',
  10: 'DEVICE_UNREACHABLE',
  11: 'DEVICE_UNREACHABLE',
};

export function exceptionError(request: Request, number: number): GatewayError {
  const code = CODES[number] ?? 'DEVICE_EXCEPTION';
  const name = NAMES[number] === undefined ? '' : ` (${NAMES[number]})`;
  const message = `exception ${number}${name}: ${describeRequest(request)}`;
  return new GatewayError(code, `unit ${request.unit}`, message, { cause: new ModbusException(number) });
}

/** A gateway says in the unit's stead that it is silent, or that there is no way to it; the connection is in order. */
export function isSilentBehindGateway(error: unknown): boolean {
  const number = exceptionNumber(error);
  return number === 10 || number === 11;
}

/** The number of a Modbus exception, from the error or from its cause. */
export function exceptionNumber(error: unknown): number | undefined {
  if (error instanceof ModbusException) return error.number;
  return error instanceof GatewayError ? exceptionNumber(error.cause) : undefined;
}
