import { GatewayError } from '../../src/model/error.ts';
import { describeRequest, type Request } from './request.ts';

/** Takes one request at a time to a device and its answer back; `line.ts` sees to it that it is one at a time. */
export interface Wire {
  /**
   * `frame` is the request as RTU frame with CRC, and so is the answer, every byte of which was checked. Always settles: rejects
   * with DEVICE_TIMEOUT, DEVICE_BAD_FRAME or the error of the lost connection.
   */
  exchange(request: Request, frame: Buffer): Promise<Buffer>;
  /** Gives the connection up. */
  fail(error: GatewayError): void;
}

export function noAnswer(request: Request, afterMs: number): GatewayError {
  return new GatewayError(
    'DEVICE_TIMEOUT',
    `unit ${request.unit}`,
    `no answer within ${Math.round(afterMs)} ms: ${describeRequest(request)}`,
  );
}

export function badFrame(request: Request, what: string): GatewayError {
  return new GatewayError('DEVICE_BAD_FRAME', `unit ${request.unit}`, `${what}: ${describeRequest(request)}`);
}
