import type { Stored } from '../model/twin-message.ts';

/**
 * Which messages are sent, and which of them are settled: acknowledged by the hub or rejected for good. Acknowledgements may come in
 * any order, the spool may forget only what has nothing unsettled before it. Positions are spool offsets, which rise.
 */
export class DeliveryLedger {
  readonly #onPrefix: (offset: number) => void;
  /** In order of the spool, from the first that is not acknowledged. */
  #sent: number[] = [];
  /** Settled, but something before it is not. Outlives a session, so that such a message is not sent again. */
  readonly #settled = new Set<number>();
  #highestOffset = Number.NEGATIVE_INFINITY;
  #inFlight = 0;
  #wake: (() => void)[] = [];

  /** `onPrefix` is called with the offset up to which everything is settled. */
  constructor(onPrefix: (offset: number) => void) {
    this.#onPrefix = onPrefix;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Before messages are read again from the first that is not acknowledged. Nothing may be in flight. */
  restart(): void {
    this.#sent = [];
  }

  /** `settled`: it need not be sent. `again`: it was sent before. */
  begin({ offset }: Stored): 'first' | 'again' | 'settled' {
    this.#sent.push(offset);
    if (this.#settled.has(offset)) {
      this.#advance();
      return 'settled';
    }
    this.#inFlight += 1;
    const isAgain = offset <= this.#highestOffset;
    this.#highestOffset = Math.max(offset, this.#highestOffset);
    return isAgain ? 'again' : 'first';
  }

  /** The attempt is over; `isSettled`: for good. */
  end({ offset }: Stored, isSettled: boolean): void {
    this.#inFlight -= 1;
    if (isSettled) this.#settled.add(offset);
    this.#advance();
    for (const wake of this.#wake.splice(0)) wake();
  }

  /** Resolves when at most `count` messages are in flight. */
  async atMost(count: number): Promise<void> {
    while (this.#inFlight > count) await new Promise<void>((resolve) => void this.#wake.push(resolve));
  }

  #advance(): void {
    let prefix: number | undefined;
    while (this.#sent[0] !== undefined && this.#settled.delete(this.#sent[0])) prefix = this.#sent.shift();
    if (prefix !== undefined) this.#onPrefix(prefix);
  }
}
