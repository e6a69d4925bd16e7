import type { GatewayError } from '../model/error.ts';
import type { WhenFull } from '../model/spool-class.ts';
import type { Gap } from '../model/twin-message.ts';
import { AppendQueue, type Waiting } from './append-queue.ts';
import type { Counters } from './counters.ts';
import { toStatement } from './gap-statement.ts';
import { LossLedger } from './loss-ledger.ts';
import { encodeMessage, factsOf } from './message-record.ts';
import type { Draft } from './spool.ts';
import type { LogOptions, SpoolLimits } from './spool-options.ts';

const KEEPS_OLDEST: Readonly<Record<WhenFull, boolean>> = {
  ...{ 'drop-oldest': false, 'drop-newest': true, thin: false, block: true },
};

/**
 * What was appended and is not on disk yet. Bounded in bytes; what has no place is dropped on the way in, counted, and waits
 * in the ledger to be declared. It never had a sequence number, so none is missing.
 */
export class Intake {
  readonly queue = new AppendQueue();
  readonly losses = new LossLedger();
  readonly #whenFull: WhenFull;
  readonly #limits: SpoolLimits;
  readonly #hubs: ReadonlySet<string>;
  readonly #counters: Counters;
  /** Of what was dropped since the last attempt to commit. */
  #dropped: Waiting['settle'][] = [];

  constructor({ hubs, whenFull }: Pick<LogOptions, 'hubs' | 'whenFull'>, limits: SpoolLimits, counters: Counters) {
    this.#hubs = new Set(hubs);
    this.#whenFull = whenFull;
    this.#limits = limits;
    this.#counters = counters;
  }

  append(drafts: readonly Draft[]): Promise<void> {
    const { settled, settle } = countdown(drafts.length + 1);
    for (const draft of drafts) this.#accept(draft, settle);
    settle();
    this.shed();
    return settled;
  }

  /** A statement that goes into the log like a message; resolves when it is on disk. */
  state(twin: string, gap: Gap, hubs: readonly string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.queue.push(toStatement(twin, gap, hubs, (error) => (error === undefined ? resolve() : reject(error))));
    });
  }

  /** The disk is slow or ill, and memory is bounded. */
  shed(): void {
    while (this.queue.bytes > this.#limits.maxWaitingBytes) {
      const shed = KEEPS_OLDEST[this.#whenFull] ? this.queue.takeNewest() : this.queue.take(1)[0];
      if (shed === undefined) return;
      this.drop(shed);
    }
  }

  drop({ facts, hubs, gap, settle }: Waiting): void {
    const { twin, from: fromTimeMs, to: toTimeMs, readings } = facts;
    const lost = gap ?? { reason: 'overflow', fromTimeMs, toTimeMs, messages: 1, readings };
    for (const hub of hubs) this.losses.add({ ...lost, twin, hub });
    if (gap === undefined) this.#counters.add('dropped_messages', 1);
    this.#dropped.push(settle);
  }

  /** After each attempt to commit: whoever appended what was dropped need not wait longer, declared or not. */
  settleDropped(): void {
    const dropped = this.#dropped;
    this.#dropped = [];
    for (const settle of dropped) settle();
  }

  /** What is still here is lost; returns how many messages that are. */
  close(error: GatewayError): number {
    this.settleDropped();
    const entries = this.queue.take(Number.POSITIVE_INFINITY);
    for (const { settle } of entries) settle(error);
    return entries.length;
  }

  #accept(draft: Draft, settle: Waiting['settle']): void {
    const hubs = [...new Set(draft.hubs)].filter((hub) => this.#hubs.has(hub));
    this.#counters.add('appended_messages', 1);
    if (hubs.length === 0) {
      this.#counters.add('unaddressed_messages', 1);
      settle();
      return;
    }
    const { message } = draft;
    const { facts, body } = encodeMessage(message);
    const statement = message.gap === undefined ? {} : { gap: message.gap };
    const isTooLarge = body.length > this.#limits.maxMessageBytes;
    if (isTooLarge) this.#counters.add('dropped_messages', 1);
    this.queue.push(isTooLarge ? tooLarge(draft, hubs, settle) : { facts, hubs, body, settle, ...statement });
  }
}

/** Settled by so many calls, or by the first with an error. By itself, so that what is called holds nothing else. */
function countdown(calls: number): { readonly settled: Promise<void>; readonly settle: Waiting['settle'] } {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let left = calls;
  const settle = (error?: GatewayError) => {
    if (error !== undefined) return reject(error);
    left -= 1;
    if (left === 0) resolve();
  };
  return { settled: promise, settle };
}

/** Stands in the log in place of the message. */
function tooLarge({ message }: Draft, hubs: readonly string[], settle: Waiting['settle']): Waiting {
  const { twin, from: fromTimeMs, to: toTimeMs, readings } = factsOf(message);
  const points = Object.keys(message.values);
  const gap: Gap = { reason: 'too-large', fromTimeMs, toTimeMs, messages: 1, readings, points };
  return toStatement(twin, gap, hubs, settle);
}
