import { GatewayError } from '../../../src/model/error.ts';
import type { Inbox } from './inbox.ts';
import type { Receiver } from './receiver.ts';

/** A socket or a serial port, open. */
export interface Port {
  /** Resolves once, with the cause, when the port is gone. Stays pending when `close` was called first. */
  readonly lost: Promise<GatewayError>;
  /** Gives the port up: what comes from it can no longer be trusted. */
  fail(error: GatewayError): void;
  /** Idempotent. Whoever waits for bytes is rejected. */
  close(): Promise<void>;
}

/** A port whose other end may hang up while nothing is asked. */
export interface SleepingPort extends Port {
  /** It has hung up; nothing can be written before `wake`. */
  readonly isAsleep: boolean;
  /** Opens it anew. Rejects with why that failed, which is then told by `lost`, too. */
  wake(): Promise<void>;
}

/** A port whose bytes are fetched. */
export interface BytePort extends SleepingPort {
  readonly inbox: Inbox;
  /** Never throws and never waits; a failure is told by `lost`. */
  write(bytes: Uint8Array): void;
}

/** The one way a port ends: the first cause counts, everybody is told once, and a wanted close is no loss. */
export class PortEnd {
  readonly lost: Promise<GatewayError>;
  readonly #subject: string;
  readonly #receiver: Pick<Receiver, 'fail'>;
  readonly #release: () => void;
  #tellLost: (error: GatewayError) => void = () => {};
  #isOver = false;

  constructor(subject: string, receiver: Pick<Receiver, 'fail'>, release: () => void) {
    this.#subject = subject;
    this.#receiver = receiver;
    this.#release = release;
    this.lost = new Promise((resolve) => {
      this.#tellLost = resolve;
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  fail(error: GatewayError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#receiver.fail(error);
    this.#release();
    this.#tellLost(error);
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#receiver.fail(new GatewayError('LINK_CLOSED', this.#subject, 'the connection was closed by the gateway'));
    this.#release();
  }
}
