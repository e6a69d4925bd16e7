import type { Stored } from '../model/twin-message.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { SpoolLane } from '../spool/spool.ts';
import type { Allowance } from './allowance.ts';
import type { DeliveryLane, DeliveryLedger } from './delivery-ledger.ts';
import type { Pace } from './pace.ts';
import type { SendRate } from './send-rate.ts';

const READ_BYTES = 256 * 1024;
const READ_RETRY_MS = 1_000;
/** Who had to wait so long for a quota or a pace is behind, as after an outage. */
const BEHIND_AFTER_MS = 60_000;
/** Of the window: kept free of history, so that what is new hardly waits for it. */
const LIVE_SHARE = 1 / 4;

export interface SendingLane {
  readonly spool: SpoolLane;
  readonly delivery: DeliveryLane;
  /** Present where newer messages go beside those of this lane. */
  readonly historyPace: Pace | undefined;
}

export interface StreamOptions {
  readonly ledger: DeliveryLedger;
  readonly clock: Clock;
  readonly log: Log;
  readonly allowance: Allowance;
  readonly rate: SendRate;
  readonly signal: AbortSignal;
  /** On a place that was taken in the ledger. */
  readonly send: (stored: Stored, lane: SendingLane) => void;
  readonly onWindow: (window: number) => void;
}

/**
 * Takes messages out of the lanes of the spool, each when it may go, until the session is over or the hub throttles; or until it had to
 * wait so long that the lanes are to be chosen anew.
 */
export class Stream {
  readonly #options: StreamOptions;
  readonly #end = new AbortController();
  readonly #signal: AbortSignal;
  #pauseMs: number | undefined;
  #isBehind = false;
  /** Those that have not ended. */
  readonly #lanes = new Set<SendingLane>();

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#end.signal]);
  }

  /** How long to wait after it, where the hub throttled; milliseconds. */
  get pauseMs(): number | undefined {
    return this.#pauseMs;
  }

  /** Nothing more was there when asked last. */
  get isWaiting(): boolean {
    return this.#lanes.size > 0 && [...this.#lanes].every(({ spool }) => spool.isAtEnd);
  }

  /** Never rejects. */
  async run(lanes: readonly SendingLane[]): Promise<void> {
    for (const lane of lanes) this.#lanes.add(lane);
    await Promise.all(lanes.map((lane) => this.#forward(lane)));
  }

  /** Sends nothing more: what was not taken comes again, after `pauseMs`. */
  end(pauseMs?: number): void {
    this.#pauseMs ??= pauseMs;
    this.#end.abort();
  }

  took(): void {
    this.#options.rate.took();
  }

  throttled(): void {
    if (this.#pauseMs !== undefined) return;
    this.#options.allowance.refused();
    this.#pauseMs = this.#options.rate.refused();
    this.#end.abort();
  }

  async #forward(lane: SendingLane): Promise<void> {
    for (let batch = await this.#read(lane); batch !== 'end'; batch = await this.#read(lane)) {
      for (const stored of batch) if (await this.#takesPlace(lane)) this.#send(stored, lane);
    }
    this.#lanes.delete(lane);
  }

  #send(stored: Stored, lane: SendingLane): void {
    this.#options.send(stored, lane);
    if (this.#isBehind) this.#end.abort();
  }

  /** Only what the session can still send. */
  async #read({ spool }: SendingLane): Promise<readonly Stored[] | 'end'> {
    if (this.#signal.aborted) return 'end';
    try {
      const batch = await spool.read(READ_BYTES, this.#signal);
      return batch.length === 0 ? 'end' : batch;
    } catch (error) {
      if (!this.#signal.aborted) await this.#pauseAfter(error);
      return [];
    }
  }

  async #pauseAfter(error: unknown): Promise<void> {
    this.#options.log.error('spool read failed', { error });
    await this.#options.clock.sleep(READ_RETRY_MS, this.#signal).catch(() => {});
  }

  /** False when it is over. */
  async #takesPlace({ delivery, historyPace }: SendingLane): Promise<boolean> {
    const { ledger, rate, allowance, clock } = this.#options;
    if (this.#signal.aborted) return false;
    const waitMs = historyPace?.take(clock.monotonicMs()) ?? 0;
    if (waitMs > 0) await clock.sleep(waitMs, this.#signal).catch(() => {});
    const startMs = clock.monotonicMs();
    if (!this.#signal.aborted) await allowance.next(this.#signal);
    if (this.#signal.aborted) return false;
    this.#isBehind ||= clock.monotonicMs() - startMs > BEHIND_AFTER_MS;
    this.#options.onWindow(rate.window);
    const share = () => (historyPace === undefined ? rate.window : historyShare(rate.window));
    await ledger.place(delivery, () => rate.window, share);
    if (this.#signal.aborted) ledger.leave(delivery);
    return !this.#signal.aborted;
  }
}

function historyShare(window: number): number {
  return Math.max(1, window - Math.ceil(window * LIVE_SHARE));
}
