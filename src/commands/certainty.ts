import type { ErrorCode, GatewayError } from '../model/error.ts';

/** With these the device has certainly not done what it was asked for; after any other error nobody knows. */
const CERTAINLY_NOT_DONE: ReadonlySet<ErrorCode> = new Set([
  'DEVICE_EXCEPTION',
  'DEVICE_BUSY',
  'VALUE_TYPE',
  'VALUE_OUT_OF_RANGE',
  'COMMAND_READ_ONLY',
  'COMMAND_FAILED',
]);

export function isCertainlyNotDone({ code }: GatewayError): boolean {
  return CERTAINLY_NOT_DONE.has(code);
}
