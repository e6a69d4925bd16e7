import type { ErrorCode, GatewayError } from '../../../src/model/error.ts';
import { exceptionNumber } from './exception.ts';

/** OPC UA symbolic names for the exceptions of Modbus; the mapping is ours. */
const OF_EXCEPTION: Readonly<Record<number, string>> = {
  1: 'BadNotSupported',
  2: 'BadOutOfRange',
  3: 'BadInvalidArgument',
  4: 'BadDeviceFailure',
  5: 'BadWaitingForResponse',
  6: 'BadResourceUnavailable',
  8: 'BadDeviceFailure',
  10: 'BadNoCommunication',
  11: 'BadTimeout',
};

const OF_CODE: Partial<Record<ErrorCode, string>> = {
  DEVICE_TIMEOUT: 'BadTimeout',
  DEVICE_BAD_FRAME: 'BadCommunicationError',
  DEVICE_EXCEPTION: 'BadDeviceFailure',
  VALUE_TYPE: 'BadDecodingError',
  VALUE_OUT_OF_RANGE: 'BadDecodingError',
};

export function statusName(error: GatewayError): string {
  const number = exceptionNumber(error);
  return (number === undefined ? undefined : OF_EXCEPTION[number]) ?? OF_CODE[error.code] ?? 'BadNoCommunication';
}
