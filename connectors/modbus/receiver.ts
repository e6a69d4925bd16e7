import type { GatewayError } from '../../src/model/error.ts';

/** Who is given the bytes of a port, and told its end. */
export interface Receiver {
  /** Nothing is expected, and nothing has begun to come. */
  readonly isIdle: boolean;
  /** The memory of `bytes` is used again afterwards: what shall be kept is copied. */
  append(bytes: Buffer): void;
  fail(error: GatewayError): void;
}
