import { MESSAGE_CLASSES, type MessageClass, type Stored } from '../model/twin-message.ts';
import type { SpoolPlace } from '../spool/spool.ts';

/**
 * Which messages are sent, and which of them are settled: acknowledged by the hub or rejected for good. Acknowledgements may come in
 * any order, the spool may forget only what has nothing unsettled before it in its class. Positions are spool offsets, which rise
 * within a class.
 */
export class DeliveryLedger {
  readonly #lanes: Readonly<Record<MessageClass, Lane>>;
  #inFlight = 0;
  #wake: (() => void)[] = [];

  /** `onPrefix` is called with the place up to which everything of its class is settled. */
  constructor(onPrefix: (last: SpoolPlace) => void) {
    const lanes = MESSAGE_CLASSES.map((name) => [name, new Lane((offset) => onPrefix({ class: name, offset }))]);
    this.#lanes = Object.fromEntries(lanes) as Record<MessageClass, Lane>;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Before messages are read again from the first that is not acknowledged. Nothing may be in flight. */
  restart(): void {
    for (const lane of Object.values(this.#lanes)) lane.restart();
  }

  /** `settled`: it need not be sent. `again`: it was sent before. */
  begin({ class: name, offset }: Stored): 'first' | 'again' | 'settled' {
    const begun = this.#lanes[name].begin(offset);
    if (begun !== 'settled') this.#inFlight += 1;
    return begun;
  }

  /** The attempt is over; `isSettled`: for good. */
  end({ class: name, offset }: Stored, isSettled: boolean): void {
    this.#inFlight -= 1;
    if (isSettled) this.#lanes[name].settle(offset);
    for (const wake of this.#wake.splice(0)) wake();
  }

  /** Resolves when at most `count` messages are in flight. */
  async atMost(count: number): Promise<void> {
    while (this.#inFlight > count) await new Promise<void>((resolve) => void this.#wake.push(resolve));
  }
}

/** The messages of one class. */
class Lane {
  readonly #onPrefix: (offset: number) => void;
  /** In order of the spool, from the first that is not acknowledged. */
  #sent: number[] = [];
  /** Settled, but something before it is not. Outlives a session, so that such a message is not sent again. */
  readonly #settled = new Set<number>();
  #highestOffset = Number.NEGATIVE_INFINITY;

  constructor(onPrefix: (offset: number) => void) {
    this.#onPrefix = onPrefix;
  }

  restart(): void {
    this.#sent = [];
  }

  begin(offset: number): 'first' | 'again' | 'settled' {
    this.#sent.push(offset);
    if (this.#settled.has(offset)) {
      this.#advance();
      return 'settled';
    }
    const isAgain = offset <= this.#highestOffset;
    this.#highestOffset = Math.max(offset, this.#highestOffset);
    return isAgain ? 'again' : 'first';
  }

  settle(offset: number): void {
    this.#settled.add(offset);
    this.#advance();
  }

  #advance(): void {
    let prefix: number | undefined;
    while (this.#sent[0] !== undefined && this.#settled.delete(this.#sent[0])) prefix = this.#sent.shift();
    if (prefix !== undefined) this.#onPrefix(prefix);
  }
}
