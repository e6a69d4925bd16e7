import { GatewayError } from '../../src/model/error.ts';
import type { Inbox } from './inbox.ts';

/** A socket or a serial port, open. */
export interface BytePort {
  readonly inbox: Inbox;
  /** Resolves once, with the cause, when the port is gone. Stays pending when `close` was called first. */
  readonly lost: Promise<GatewayError>;
  /** Never throws and never waits; a failure is told by `lost`. */
  write(bytes: Uint8Array): void;
  /** Gives the port up: what comes from it can no longer be trusted. */
  fail(error: GatewayError): void;
  /** Idempotent. Whoever waits for bytes is rejected. */
  close(): Promise<void>;
}

/** The one way a port ends: the first cause counts, everybody is told once, and a wanted close is no loss. */
export class PortEnd {
  readonly lost: Promise<GatewayError>;
  readonly #subject: string;
  readonly #inbox: Inbox;
  readonly #release: () => void;
  #tellLost: (error: GatewayError) => void = () => {};
  #isOver = false;

  constructor(subject: string, inbox: Inbox, release: () => void) {
    this.#subject = subject;
    this.#inbox = inbox;
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
    this.#inbox.fail(error);
    this.#release();
    this.#tellLost(error);
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#inbox.fail(new GatewayError('LINK_CLOSED', this.#subject, 'the connection was closed by the gateway'));
    this.#release();
  }
}
