import type { GatewayError } from '../../../src/model/error.ts';

/** Who is given the bytes of a port, and told its end. */
export interface Receiver {
  /** Nothing would be lost by another connection: nothing has begun to come, and what is expected can be asked again. */
  readonly isIdle: boolean;
  /** The other end has hung up while that was so. */
  hungUp?(): void;
  /** The memory of `bytes` is used again afterwards: what shall be kept is copied. */
  append(bytes: Buffer): void;
  fail(error: GatewayError): void;
}
