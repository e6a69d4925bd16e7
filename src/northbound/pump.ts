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
import { isRejection, Rejections } from './rejections.ts';
import { SendRate } from './send-rate.ts';
import { type SendingLane, Stream } from './stream.ts';
import { Suspects, TRIAL_AFTER_MS } from './suspects.ts';
import { Trials } from './trials.ts';

/** More than these windows wait, or more than the pace lets go in so long: then new messages go first. */
const BEHIND_WINDOWS = 10;
const BEHIND_S = 2;
/** How a hub ends a session at a message that it cannot refuse. */
const HANG_UPS: ReadonlySet<ErrorCode> = new Set(['HUB_REFUSED', 'HUB_UNAUTHORIZED']);

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

interface Sending {
  readonly session: HubSession;
  readonly stream: Stream;
  readonly trials: Trials;
}

interface Run extends Omit<Sending, 'stream'> {
  readonly rate: SendRate;
  readonly signal: AbortSignal;
}

/** Moves messages from the spool to one session after the other, in order or live first, and tells the spool what it may forget. */
export class Pump {
  readonly #options: PumpOptions;
  readonly #suspects = new Suspects();
  readonly #ledger = new DeliveryLedger((name, first) => this.#suspects.forgetBefore(name, first));
  readonly #historyPace: Pace;
  readonly #barrier: Barrier;
  readonly #rejections: Rejections;
  #refusal: GatewayError | undefined;
  #forbidden: HubStatus['forbidden'];
  readonly #counts = {
    acknowledged_messages: 0,
    acknowledged_bytes: 0,
    resent_messages: 0,
    throttled_messages: 0,
    history_messages: 0,
  };
  /** How the last session ended at what was under way. */
  #hangUp: GatewayError | undefined;
  #stream: Stream | undefined;
  #window = 0;

  constructor(options: PumpOptions) {
    this.#options = options;
    this.#historyPace = new Pace(options.drain.historyPerSecond);
    this.#barrier = new Barrier(options.random);
    this.#rejections = new Rejections(options);
  }

  /** Since when the hub lets the gateway publish nothing, and why; `undefined`: it does. */
  get forbidden(): HubStatus['forbidden'] {
    return this.#forbidden;
  }

  /** Messages at which the hub seems to hang up. */
  get heldBack(): number {
    return this.#suspects.held;
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
    return { ...this.#counts, rejected_messages: this.#rejections.count };
  }

  /** Runs until the signal is aborted and nothing is in flight any more; never rejects. The session must be over soon after the abort. */
  async run(session: HubSession, signal: AbortSignal): Promise<void> {
    const { random, clock } = this.#options;
    const rate = new SendRate(session.window, random, this.#suspects.isWary);
    const trials = new Trials({ suspects: this.#suspects, clock, signal, onTime: () => this.#stream?.end() });
    while (!signal.aborted) {
      const pauseMs = await this.#runStream({ session, rate, trials, signal });
      if (pauseMs > 0) await clock.sleep(pauseMs, signal).catch(() => {});
      await trials.eachDue((stored) => this.#try(stored, session, signal));
    }
    await this.#giveUp();
    this.#window = 0;
  }

  /** Sends until the signal is aborted or the lanes are to be chosen anew, and everything is answered; resolves with the pause to make. */
  async #runStream({ session, rate, trials, signal }: Run): Promise<number> {
    const { clock, log, allowance } = this.#options;
    const stream = new Stream({
      ...{ ledger: this.#ledger, clock, log, allowance, rate, signal },
      send: (stored, lane) => void this.#send(stored, lane, { session, stream, trials }),
      onWindow: (window) => {
        this.#window = window;
      },
    });
    this.#stream = stream;
    await stream.run(this.#lanes(rate.window));
    this.#stream = undefined;
    await this.#ledger.atMost(0);
    const pauseMs = Math.max(stream.pauseMs ?? 0, this.#barrier.pauseMs());
    this.#tellBarrier();
    return pauseMs;
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

  async #send(stored: Stored, lane: SendingLane, { session, stream, trials }: Sending): Promise<void> {
    const state = this.#ledger.begin(lane.delivery, stored);
    if (state === 'settled') return;
    if (this.#holdsBack(stored, stream, trials)) return this.#ledger.leave(lane.delivery);
    if (state === 'again') this.#counts.resent_messages += 1;
    let isSettled = true;
    try {
      const isHistory = lane.historyPace !== undefined;
      const bytes = await session.publish(this.#asSent(stored, isHistory));
      stream.took();
      trials.took(stored);
      if (this.#barrier.took(stored)) this.#tellBarrier();
      this.#acknowledged(stored, bytes, isHistory);
    } catch (error) {
      isSettled = await this.#refused(stored, toGatewayError(error, stored.message.twin), stream);
    }
    this.#ledger.end(lane.delivery, stored, isSettled);
  }

  #holdsBack(stored: Stored, stream: Stream, trials: Trials): boolean {
    const holds = this.#suspects.holdsBack(stored);
    if (holds === 'no-room') stream.end(Math.max(0, TRIAL_AFTER_MS - trials.ageMs));
    if (holds !== false) trials.watch();
    return holds !== false;
  }

  /** Alone: nothing else is under way. Others have gone before it. */
  async #try(stored: Stored, session: HubSession, signal: AbortSignal): Promise<void> {
    const { allowance } = this.#options;
    await allowance.next(signal);
    if (signal.aborted) return;
    try {
      const bytes = await session.publish(this.#asSent(stored, true));
      this.#suspects.took(stored);
      this.#acknowledged(stored, bytes, true);
      this.#ledger.settle(stored);
    } catch (error) {
      const refusal = toGatewayError(error, stored.message.twin);
      if (!this.#notesHangUp(stored, refusal)) this.#suspects.answered(stored);
    }
  }

  /** `isHistory`: newer messages have gone before it. */
  #asSent(stored: Stored, isHistory: boolean): Stored {
    const { correct = (message) => message } = this.#options;
    const message = correct(stored.message);
    if (isHistory) return { ...stored, message: { ...message, isHistory: true } };
    return message === stored.message ? stored : { ...stored, message };
  }

  #acknowledged(stored: Stored, bytes: number, isHistory: boolean): void {
    this.#counts.acknowledged_messages += 1;
    this.#counts.acknowledged_bytes += bytes;
    if (isHistory) this.#counts.history_messages += 1;
    this.#options.onAcknowledged?.(stored, bytes, this.#options.clock.nowMs());
  }

  /** Whether the message is done with for good. After a loss it is not: the next session sends it again. */
  async #refused(stored: Stored, error: GatewayError, stream: Stream): Promise<boolean> {
    if (isRejection(error)) return await this.#rejections.add(stored, error);
    if (error.code === 'HUB_MESSAGE_FORBIDDEN') {
      if (this.#barrier.refused(stored)) return await this.#rejections.add(stored, error);
      this.#refusal = error;
      stream.end();
    }
    // The session is over, or ends when what is in flight is answered: what waits is for the next one.
    if (this.#notesHangUp(stored, error) || error.code === 'LINK_CLOSED') stream.end();
    if (error.code === 'HUB_THROTTLED') {
      this.#counts.throttled_messages += 1;
      stream.throttled();
    }
    return false;
  }

  #notesHangUp(stored: Stored, error: GatewayError): boolean {
    if (!HANG_UPS.has(error.code)) return false;
    this.#hangUp = error;
    this.#suspects.hungUp(stored);
    return true;
  }

  /** After a session: what of it the hub will never take. */
  async #giveUp(): Promise<void> {
    const { log } = this.#options;
    const reason = this.#hangUp?.message ?? '';
    const guilty = this.#suspects.sessionOver(({ message: { twin }, offset, sequence }) =>
      log.warn('message held back', { twin, offset, sequence, reason: `the hub hangs up at it: ${reason}` }),
    );
    for (const stored of guilty) {
      const { twin } = stored.message;
      const text = `the hub takes others and hangs up at it each time: ${reason}`;
      if (!(await this.#rejections.add(stored, new GatewayError('HUB_MESSAGE_REJECTED', twin, text)))) continue;
      this.#suspects.givenUp(stored);
      this.#ledger.settle(stored);
    }
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
}
