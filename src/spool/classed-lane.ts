import { MESSAGE_CLASSES, type MessageClass, type Stored } from '../model/twin-message.ts';
import type { ClassLane } from './class-log.ts';
import type { SpoolLane, SpoolPlace } from './spool.ts';
import type { Turns } from './turns.ts';

/** What is less urgent is handed out in such portions, so that an alarm need not wait longer for its turn. */
const PORTION_BYTES = 16 * 1024;
/** Of so many portions one is of a less urgent class where that has any: an endless row of alarms holds nothing up for ever. */
const YIELD_EVERY = 8;
const RETRY_MS = 500;
const [, ...LESS_URGENT] = MESSAGE_CLASSES;

/** Lanes of all classes as one: the most urgent message first, each class in its own order. */
export class ClassedLane implements SpoolLane {
  readonly #lanes: Readonly<Record<MessageClass, ClassLane>>;
  readonly #turns: Turns;
  readonly #atEnd: 'waits' | 'ends';
  #portions = 0;
  #isAtEnd = false;

  /** `atEnd`: what a read does where there is nothing more. */
  constructor(lanes: Readonly<Record<MessageClass, ClassLane>>, turns: Turns, atEnd: 'waits' | 'ends' = 'waits') {
    this.#lanes = lanes;
    this.#turns = turns;
    this.#atEnd = atEnd;
  }

  get isAtEnd(): boolean {
    return this.#isAtEnd;
  }

  async read(maxBytes: number, signal: AbortSignal): Promise<readonly Stored[]> {
    for (;;) {
      signal.throwIfAborted();
      const version = this.#turns.version;
      const stored = await this.#take(maxBytes);
      if (stored === 'later') await this.#turns.pause(RETRY_MS, signal);
      else if (stored.length > 0 || this.#atEnd === 'ends') return stored;
      else await this.#waitForMore(version, signal);
    }
  }

  async #waitForMore(version: number, signal: AbortSignal): Promise<void> {
    this.#isAtEnd = true;
    try {
      await this.#turns.changed(version, signal);
    } finally {
      this.#isAtEnd = false;
    }
  }

  acknowledge({ class: name, offset }: SpoolPlace): void {
    this.#lanes[name].acknowledge(offset);
  }

  async #take(maxBytes: number): Promise<readonly Stored[] | 'later'> {
    let nothing: readonly Stored[] | 'later' = [];
    for (const name of this.#inTurn()) {
      const taken = await this.#lanes[name].take(name === 'alarm' ? maxBytes : Math.min(maxBytes, PORTION_BYTES));
      if (taken === 'later') nothing = 'later';
      else if (taken.length > 0) {
        this.#portions += 1;
        return taken;
      }
    }
    return nothing;
  }

  #inTurn(): readonly MessageClass[] {
    const turn = this.#portions / YIELD_EVERY;
    const favoured = turn > 0 && Number.isInteger(turn) ? LESS_URGENT[turn % LESS_URGENT.length] : undefined;
    return favoured === undefined ? MESSAGE_CLASSES : [favoured, ...MESSAGE_CLASSES.filter((name) => name !== favoured)];
  }
}
