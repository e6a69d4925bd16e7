import { GatewayError } from '../../../src/model/error.ts';
import { describeRequest, type Request } from '../protocol/request.ts';
import type { Units } from './units.ts';

/** Takes requests to devices and their answers back; `line.ts` sees to it that there are no more at once than `capacity`. */
export interface Wire {
  /** How many requests may be under way at once. */
  readonly capacity: number;
  /** How long the device thought before the last answer, where the wire can tell that from the time that bytes take. */
  readonly turnAroundMs?: number;
  /**
   * Resolves with the answer: unit and PDU, every byte of which was checked against the request; it may be an exception. Always
   * settles: rejects with DEVICE_TIMEOUT, DEVICE_BAD_FRAME or the error of the lost connection. `timeoutMs`: shorter than usual, for
   * a unit that is not expected to answer.
   */
  exchange(request: Request, timeoutMs?: number): Promise<Buffer>;
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

/** Nobody answers on a connection that is open. */
export function allSilent(name: string, answers: number, { lateMs }: Pick<Units, 'lateMs'>, cause: GatewayError): GatewayError {
  const guess =
    lateMs === undefined
      ? ' on a connection that the device took: is its unit number right?'
      : `, though one came after ${Math.round(lateMs)} ms: is \`timeout\` too short?`;
  return new GatewayError('LINK_TIMEOUT', name, `${answers} answers missing in a row${guess}`, { cause });
}
