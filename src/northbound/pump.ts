import { GatewayError, toGatewayError } from '../model/error.ts';
import type { Stored } from '../model/twin-message.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { SpoolReader } from '../spool/spool.ts';
import type { Allowance } from './allowance.ts';
import { DeliveryLedger } from './delivery-ledger.ts';
import type { HubSession } from './hub.ts';
import { SendRate } from './send-rate.ts';

const READ_BYTES = 256 * 1024;

export interface PumpOptions {
  readonly reader: SpoolReader;
  readonly clock: Clock;
  readonly log: Log;
  readonly allowance: Allowance;
  readonly random: () => number;
  readonly onAcknowledged?: (stored: Stored, bytes: number, atMs: number) => void;
}

/** Moves messages from the spool to one session after the other, in order, and tells the spool what it may forget. */
export class Pump {
  readonly #options: PumpOptions;
  readonly #ledger: DeliveryLedger;
  readonly #counts = {
    acknowledged_messages: 0,
    acknowledged_bytes: 0,
    rejected_messages: 0,
    resent_messages: 0,
    throttled_messages: 0,
  };
  #window = 0;
  #isWaiting = false;

  constructor(options: PumpOptions) {
    this.#options = options;
    this.#ledger = new DeliveryLedger((last) => options.reader.acknowledge(last));
  }

  get inFlight(): number {
    return this.#ledger.inFlight;
  }

  /** Of the session at hand; 0 without one. */
  get window(): number {
    return this.#window;
  }

  /** The spool had nothing more when asked last, and everything sent is answered. */
  get isIdle(): boolean {
    return this.#isWaiting && this.#ledger.inFlight === 0;
  }

  counters(): Readonly<Record<string, number>> {
    return { ...this.#counts };
  }

  /** Runs until the signal is aborted and nothing is in flight any more; never rejects. The session must be over soon after the abort. */
  async run(session: HubSession, signal: AbortSignal): Promise<void> {
    const rate = new SendRate(session.window, this.#options.random);
    while (!signal.aborted) {
      this.#options.reader.rewind();
      this.#ledger.restart();
      const pauseMs = await this.#stream(session, rate, signal);
      await this.#ledger.atMost(0);
      if (pauseMs !== undefined) await this.#options.clock.sleep(pauseMs, signal).catch(() => {});
    }
    await this.#ledger.atMost(0);
    this.#window = 0;
  }

  /** Sends until the signal is aborted, or until the hub throttles: then resolves with the pause to make. */
  async #stream(session: HubSession, rate: SendRate, signal: AbortSignal): Promise<number | undefined> {
    let pauseMs: number | undefined;
    const onThrottled = () => {
      if (pauseMs === undefined) this.#options.allowance.refused();
      pauseMs ??= rate.refused();
    };
    const isOver = () => signal.aborted || pauseMs !== undefined;
    while (!isOver()) {
      for (const stored of await this.#read(signal)) {
        this.#window = rate.window;
        await this.#ledger.atMost(rate.window - 1);
        if (isOver()) break;
        await this.#options.allowance.next(signal);
        if (isOver()) break;
        void this.#send(stored, session, rate, onThrottled);
      }
    }
    return pauseMs;
  }

  async #read(signal: AbortSignal): Promise<readonly Stored[]> {
    this.#isWaiting = true;
    try {
      return await this.#options.reader.read(READ_BYTES, signal);
    } catch (error) {
      if (!signal.aborted) await this.#retryRead(error, signal);
      return [];
    } finally {
      this.#isWaiting = false;
    }
  }

  async #retryRead(error: unknown, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    log.error('spool read failed', { error });
    await clock.sleep(1_000, signal).catch(() => {});
  }

  async #send(stored: Stored, session: HubSession, rate: SendRate, onThrottled: () => void): Promise<void> {
    const state = this.#ledger.begin(stored);
    if (state === 'settled') return;
    if (state === 'again') this.#counts.resent_messages += 1;
    let isSettled = true;
    try {
      const bytes = await session.publish(stored);
      rate.took();
      this.#acknowledged(stored, bytes);
    } catch (error) {
      isSettled = await this.#refused(stored, toGatewayError(error, stored.message.twin), onThrottled);
    }
    this.#ledger.end(stored, isSettled);
  }

  #acknowledged(stored: Stored, bytes: number): void {
    this.#counts.acknowledged_messages += 1;
    this.#counts.acknowledged_bytes += bytes;
    this.#options.allowance.took(bytes);
    this.#options.onAcknowledged?.(stored, bytes, this.#options.clock.nowMs());
  }

  /** Whether the message is done with for good. After a loss it is not: the next session sends it again. */
  async #refused(stored: Stored, error: GatewayError, onThrottled: () => void): Promise<boolean> {
    if (error.code === 'HUB_MESSAGE_REJECTED') return await this.#reject(stored, error);
    if (error.code === 'HUB_THROTTLED') {
      this.#counts.throttled_messages += 1;
      onThrottled();
    }
    return false;
  }

  async #reject(stored: Stored, error: GatewayError): Promise<boolean> {
    const { reader, log } = this.#options;
    const { offset, sequence, message } = stored;
    this.#counts.rejected_messages += 1;
    log.warn('message rejected', { twin: message.twin, offset, sequence, code: error.code, reason: error.message });
    try {
      await reader.reject(stored, 'rejected');
      return true;
    } catch (cause) {
      log.error('rejection not recorded', {
        twin: message.twin,
        offset,
        error: new GatewayError('SPOOL_WRITE', message.twin, 'see cause', { cause }),
      });
      return false;
    }
  }
}
