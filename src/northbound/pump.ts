import { type ErrorCode, GatewayError, toGatewayError } from '../model/error.ts';
import type { DrainPlan } from '../model/plan.ts';
import type { HubStatus } from '../model/status.ts';
import type { Stored, TwinMessage } from '../model/twin-message.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { SpoolLane, SpoolReader } from '../spool/spool.ts';
import type { Allowance } from './allowance.ts';
import { Barrier } from './barrier.ts';
import { DeliveryLedger } from './delivery-ledger.ts';
import type { HubSession } from './hub.ts';
import { Pace } from './pace.ts';
import { SendRate } from './send-rate.ts';
import { type SendingLane, Stream } from './stream.ts';

/** More than these windows wait, or more than the pace lets go in so long: then new messages go first. */
const BEHIND_WINDOWS = 10;
const BEHIND_S = 2;
/** Errors after which a message is never sent again, and the reason in its gap record. */
const REJECTIONS: Partial<Record<ErrorCode, string>> = { HUB_MESSAGE_REJECTED: 'rejected', HUB_MESSAGE_TOO_LARGE: 'too-large' };

export interface PumpOptions {
  readonly reader: SpoolReader;
  readonly drain: DrainPlan;
  readonly clock: Clock;
  readonly log: Log;
  readonly allowance: Allowance;
  readonly random: () => number;
  readonly correct?: (message: TwinMessage) => TwinMessage;
  readonly onAcknowledged?: (stored: Stored, bytes: number, atMs: number) => void;
}

/** Moves messages from the spool to one session after the other, in order or live first, and tells the spool what it may forget. */
export class Pump {
  readonly #options: PumpOptions;
  readonly #ledger = new DeliveryLedger();
  readonly #historyPace: Pace;
  readonly #barrier: Barrier;
  #refusal: GatewayError | undefined;
  #forbidden: HubStatus['forbidden'];
  readonly #counts = {
    acknowledged_messages: 0,
    acknowledged_bytes: 0,
    rejected_messages: 0,
    resent_messages: 0,
    throttled_messages: 0,
    history_messages: 0,
  };
  #stream: Stream | undefined;
  #window = 0;

  constructor(options: PumpOptions) {
    this.#options = options;
    this.#historyPace = new Pace(options.drain.historyPerSecond);
    this.#barrier = new Barrier(options.random);
  }

  /** Since when the hub lets the gateway publish nothing, and why; `undefined`: it does. */
  get forbidden(): HubStatus['forbidden'] {
    return this.#forbidden;
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
    return this.#stream?.isWaiting === true && this.#ledger.inFlight === 0;
  }

  counters(): Readonly<Record<string, number>> {
    return { ...this.#counts };
  }

  /** Runs until the signal is aborted and nothing is in flight any more; never rejects. The session must be over soon after the abort. */
  async run(session: HubSession, signal: AbortSignal): Promise<void> {
    const rate = new SendRate(session.window, this.#options.random);
    while (!signal.aborted) {
      const throttledMs = await this.#runStream(session, rate, signal);
      await this.#ledger.atMost(0);
      const pauseMs = Math.max(throttledMs ?? 0, this.#barrier.pauseMs());
      this.#tellBarrier();
      if (pauseMs > 0) await this.#options.clock.sleep(pauseMs, signal).catch(() => {});
    }
    await this.#ledger.atMost(0);
    this.#window = 0;
  }

  /** Sends until the signal is aborted or the lanes are to be chosen anew; where the hub throttles, resolves with the pause to make. */
  async #runStream(session: HubSession, rate: SendRate, signal: AbortSignal): Promise<number | undefined> {
    const { clock, log, allowance } = this.#options;
    const stream = new Stream({
      ...{ ledger: this.#ledger, clock, log, allowance, rate, signal },
      send: (stored, lane) => void this.#send(stored, lane, session, stream),
      onWindow: (window) => {
        this.#window = window;
      },
    });
    this.#stream = stream;
    await stream.run(this.#lanes(rate.window));
    this.#stream = undefined;
    return stream.pauseMs;
  }

  #lanes(window: number): readonly SendingLane[] {
    const { reader, drain, allowance } = this.#options;
    reader.rewind();
    const maxBehind = Math.min(BEHIND_WINDOWS * window, Math.max(1, BEHIND_S * allowance.perSecond));
    const lanes = drain.order === 'live-first' ? reader.liveFirst(maxBehind) : undefined;
    if (lanes === undefined) return [this.#lane(reader, 'first')];
    return [this.#lane(lanes.live, 'ahead'), this.#lane(lanes.history, 'first', this.#historyPace)];
  }

  #lane(spool: SpoolLane, begins: 'first' | 'ahead', historyPace?: Pace): SendingLane {
    return { spool, historyPace, delivery: this.#ledger.openLane((last) => spool.acknowledge(last), begins) };
  }

  async #send(stored: Stored, lane: SendingLane, session: HubSession, stream: Stream): Promise<void> {
    const state = this.#ledger.begin(lane.delivery, stored);
    if (state === 'settled') return;
    if (state === 'again') this.#counts.resent_messages += 1;
    let isSettled = true;
    try {
      const bytes = await session.publish(this.#asSent(stored, lane));
      stream.took();
      if (this.#barrier.took(stored)) this.#tellBarrier();
      this.#acknowledged(stored, bytes, lane);
    } catch (error) {
      isSettled = await this.#refused(stored, toGatewayError(error, stored.message.twin), stream);
    }
    this.#ledger.end(lane.delivery, stored, isSettled);
  }

  #asSent(stored: Stored, { historyPace }: SendingLane): Stored {
    const { correct = (message) => message } = this.#options;
    const message = correct(stored.message);
    // Newer messages have gone before it.
    if (historyPace !== undefined) return { ...stored, message: { ...message, isHistory: true } };
    return message === stored.message ? stored : { ...stored, message };
  }

  #acknowledged(stored: Stored, bytes: number, lane: SendingLane): void {
    this.#counts.acknowledged_messages += 1;
    this.#counts.acknowledged_bytes += bytes;
    if (lane.historyPace !== undefined) this.#counts.history_messages += 1;
    this.#options.onAcknowledged?.(stored, bytes, this.#options.clock.nowMs());
  }

  /** Whether the message is done with for good. After a loss it is not: the next session sends it again. */
  async #refused(stored: Stored, error: GatewayError, stream: Stream): Promise<boolean> {
    if (REJECTIONS[error.code] !== undefined) return await this.#reject(stored, error);
    if (error.code === 'HUB_MESSAGE_FORBIDDEN') {
      if (this.#barrier.refused(stored)) return await this.#reject(stored, error);
      this.#refusal = error;
      stream.end();
    }
    // The session is over, or ends when what is in flight is answered: what waits is for the next one.
    if (error.code === 'LINK_CLOSED') stream.end();
    if (error.code === 'HUB_THROTTLED') {
      this.#counts.throttled_messages += 1;
      stream.throttled();
    }
    return false;
  }

  /** Once when it closes, once when it opens. */
  #tellBarrier(): void {
    const { clock, log } = this.#options;
    const error = this.#refusal;
    if (this.#barrier.isClosed === (this.#forbidden !== undefined) || error === undefined) return;
    if (!this.#barrier.isClosed) {
      this.#forbidden = undefined;
      log.info('messages allowed', {});
      return;
    }
    const { code, message, rule } = error;
    this.#forbidden = { sinceTimeMs: clock.nowMs(), code, message, action: rule.action };
    log.warn('messages forbidden', { code, reason: message, action: rule.action });
  }

  async #reject(stored: Stored, error: GatewayError): Promise<boolean> {
    const { reader, log } = this.#options;
    const { offset, sequence, message } = stored;
    this.#counts.rejected_messages += 1;
    log.warn('message rejected', { twin: message.twin, offset, sequence, code: error.code, reason: error.message });
    try {
      await reader.reject(stored, REJECTIONS[error.code] ?? 'rejected');
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
