import { MESSAGE_CLASSES, type MessageClass, type Stored } from '../model/twin-message.ts';
import type { SpoolPlace } from '../spool/spool.ts';

/** What is known of messages of one class, by offset. */
interface Known {
  /** Settled, but something before it is not. Outlives a session, so that such a message is not sent again. */
  readonly settled: Set<number>;
  /** Sent, and no answer came. */
  readonly unanswered: Set<number>;
}

/** Called with what the spool dropped: everything of the class before `first`. */
type OnForgotten = (name: MessageClass, first: number) => void;

interface LaneEvents {
  readonly onPrefix: (last: SpoolPlace) => void;
  readonly onForgotten: OnForgotten;
}

/**
 * Which messages are sent, and which of them are settled: acknowledged by the hub or rejected for good. Acknowledgements may come in
 * any order, the spool may forget only what has nothing unsettled before it in its lane and class. Positions are spool offsets,
 * which rise within a class of a lane.
 */
export class DeliveryLedger {
  readonly #known = byClass<Known>(() => ({ settled: new Set(), unanswered: new Set() }));
  readonly #onForgotten: OnForgotten;
  #inFlight = 0;
  #wake: (() => void)[] = [];

  constructor(onForgotten: OnForgotten = () => {}) {
    this.#onForgotten = onForgotten;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * For what is read from the first that is not acknowledged, until the next rewind; `ahead`: from a later one, beside such a lane.
   * `onPrefix` is called with the place up to which everything of its class is settled.
   */
  openLane(onPrefix: (last: SpoolPlace) => void, begins: 'first' | 'ahead' = 'first'): DeliveryLane {
    return new DeliveryLane(this.#known, { onPrefix, onForgotten: this.#onForgotten }, begins);
  }

  /** Resolves when at most `count` messages are in flight. */
  async atMost(count: number): Promise<void> {
    while (this.#inFlight > count) await this.#left();
  }

  /** Resolves when fewer than `window` messages are in flight, and of this lane fewer than `share`; the place is taken then. */
  async place(lane: DeliveryLane, window: () => number, share: () => number): Promise<void> {
    while (this.#inFlight >= window() || lane.inFlight >= share()) await this.#left();
    this.#inFlight += 1;
    lane.inFlight += 1;
  }

  /** Gives a place back. */
  leave(lane: DeliveryLane): void {
    this.#inFlight -= 1;
    lane.inFlight -= 1;
    for (const wake of this.#wake.splice(0)) wake();
  }

  /** On a place that was taken. `settled`: it need not be sent, the place is given back. `again`: it was sent before. */
  begin(lane: DeliveryLane, stored: Stored): 'first' | 'again' | 'settled' {
    const { settled, unanswered } = this.#known[stored.class];
    lane.send(stored);
    if (!settled.has(stored.offset)) return unanswered.delete(stored.offset) ? 'again' : 'first';
    lane.advance(stored);
    this.leave(lane);
    return 'settled';
  }

  /** The attempt is over; `isSettled`: for good. */
  end(lane: DeliveryLane, stored: Stored, isSettled: boolean): void {
    const { settled, unanswered } = this.#known[stored.class];
    (isSettled ? settled : unanswered).add(stored.offset);
    lane.advance(stored);
    this.leave(lane);
  }

  /** It is done with for good, while nothing is in flight: it need not be sent when its turn comes again. */
  settle({ class: name, offset }: SpoolPlace): void {
    this.#known[name].settled.add(offset);
  }

  #left(): Promise<void> {
    return new Promise((resolve) => void this.#wake.push(resolve));
  }
}

/** What was sent of one lane. */
export class DeliveryLane {
  /** In order of the spool, from the first that is not acknowledged. */
  readonly #sent = byClass<number[]>(() => []);
  readonly #known: Readonly<Record<MessageClass, Known>>;
  readonly #events: LaneEvents;
  /** In which the first is still to be sent, with nothing before it in another lane. */
  readonly #fresh: Set<MessageClass>;
  inFlight = 0;

  constructor(known: Readonly<Record<MessageClass, Known>>, events: LaneEvents, begins: 'first' | 'ahead') {
    this.#known = known;
    this.#events = events;
    this.#fresh = new Set(begins === 'first' ? MESSAGE_CLASSES : []);
  }

  send({ class: name, offset }: SpoolPlace): void {
    if (this.#fresh.delete(name)) this.#forgetBefore(name, offset);
    this.#sent[name].push(offset);
  }

  /** The spool dropped it since: else memory would grow with every outage. */
  #forgetBefore(name: MessageClass, first: number): void {
    this.#events.onForgotten(name, first);
    for (const offsets of Object.values(this.#known[name])) {
      for (const offset of offsets) if (offset < first) offsets.delete(offset);
    }
  }

  advance({ class: name }: SpoolPlace): void {
    const sent = this.#sent[name];
    const { settled } = this.#known[name];
    let prefix: number | undefined;
    while (sent[0] !== undefined && settled.delete(sent[0])) prefix = sent.shift();
    if (prefix !== undefined) this.#events.onPrefix({ class: name, offset: prefix });
  }
}

function byClass<T>(make: () => T): Readonly<Record<MessageClass, T>> {
  return Object.fromEntries(MESSAGE_CLASSES.map((name) => [name, make()])) as Record<MessageClass, T>;
}
