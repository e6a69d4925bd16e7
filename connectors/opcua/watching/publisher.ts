import { PublishRequest, type PublishResponse } from 'node-opcua-client';
import type { Reading } from '../../../src/model/reading.ts';
import { statusNameOf } from '../protocol/errors.ts';
import type { RawSession } from '../protocol/raw-session.ts';
import type { Subscription } from './subscription.ts';
import { turn } from './turn.ts';

export interface PublisherOptions {
  readonly session: RawSession;
  /** Aborted when the session ends. */
  readonly signal: AbortSignal;
  readonly onReadings: (readings: readonly Reading[]) => void;
  /** The publishing cannot go on; the session is to be rebuilt. */
  readonly onFailure: (error: unknown) => void;
}

const MIN_IN_FLIGHT = 3;
const MAX_IN_FLIGHT = 10;

/**
 * Keeps publish requests with the server, which answers one whenever it has something to say (Part 4 §5.14.5). Responses are
 * handled one after the other, in the order they came; each handled one is replaced by a new request that acknowledges it.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #subscriptions = new Map<number, Subscription>();
  #inFlight = 0;
  #allowed = MAX_IN_FLIGHT;
  #isAway = false;
  /** From the break on until what was missed has been asked for. */
  #isPaused = false;
  #inbox: Promise<void> = Promise.resolve();
  #queued = 0;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  get subscriptions(): readonly Subscription[] {
    return [...this.#subscriptions.values()];
  }

  /** Something that came is still being understood: the server may have to be asked for that. */
  get isBusy(): boolean {
    return this.#queued > 0;
  }

  /** The server has more to tell at once than fits in one message, or in our hands. */
  isBehind(nowMs: number): boolean {
    return this.isBusy || this.subscriptions.some((subscription) => subscription.isBehind(nowMs));
  }

  add(subscription: Subscription): void {
    this.#subscriptions.set(subscription.id, subscription);
    this.#fill();
  }

  /** Taken over from the session before: what was sent into the void comes first. */
  adopt(subscriptions: readonly Subscription[]): void {
    for (const subscription of subscriptions) this.#subscriptions.set(subscription.id, subscription);
    this.pause();
    this.resume();
  }

  /** The network is away: what fails now is no reason to give up. */
  pause(): void {
    this.#isAway = true;
    this.#isPaused = true;
  }

  /** The network is back and the session is still ours. */
  resume(): void {
    this.#isAway = false;
    this.#enqueue(async () => {
      for (const subscription of this.#subscriptions.values()) this.#emit(await subscription.recoverLatest());
      this.#isPaused = this.#isAway;
      this.#fill();
    });
  }

  #fill(): void {
    const wanted = Math.min(Math.max(MIN_IN_FLIGHT, this.#subscriptions.size + 1), this.#allowed);
    while (this.#subscriptions.size > 0 && this.#inFlight < wanted && !this.#isPaused && !this.#options.signal.aborted)
      this.#send();
  }

  #send(): void {
    this.#inFlight += 1;
    const subscriptionAcknowledgements = this.#takeAcknowledgements();
    const request = new PublishRequest({ requestHeader: { timeoutHint: this.#timeoutHintMs() }, subscriptionAcknowledgements });
    this.#options.session.publish(request, (error, response) => {
      this.#inFlight -= 1;
      if (this.#options.signal.aborted) return;
      if (error !== null || response === undefined) return this.#refused(error);
      const subscription = this.#subscriptions.get(response.subscriptionId);
      const heardTimeMs = subscription?.hear() ?? 0;
      this.#enqueue(() => this.#handle(response, heardTimeMs));
    });
  }

  #takeAcknowledgements(): { subscriptionId: number; sequenceNumber: number }[] {
    return this.subscriptions.flatMap((subscription) =>
      subscription.takeAcknowledgements().map((sequenceNumber) => ({ subscriptionId: subscription.id, sequenceNumber })),
    );
  }

  /** Each request may have to wait until those before it were answered by a keep-alive. */
  #timeoutHintMs(): number {
    const slowestMs = Math.max(...this.subscriptions.map(({ maxSilenceMs }) => maxSilenceMs));
    return Math.ceil((MAX_IN_FLIGHT + 1) * slowestMs);
  }

  #enqueue(task: () => Promise<void>): void {
    this.#queued += 1;
    this.#inbox = this.#inbox
      .then(task)
      .catch((error) => {
        if (!this.#options.signal.aborted && !this.#isAway) this.#options.onFailure(error);
      })
      .finally(() => {
        this.#queued -= 1;
      });
  }

  async #handle({ subscriptionId, notificationMessage, moreNotifications }: PublishResponse, heardTimeMs: number): Promise<void> {
    await turn();
    const subscription = this.#subscriptions.get(subscriptionId);
    if (subscription !== undefined) {
      subscription.hasMore = moreNotifications;
      this.#emit(await subscription.receive(notificationMessage, heardTimeMs));
      if (subscription.ended !== undefined) throw new Error(`the server ended the subscription: ${subscription.ended}`);
    }
    this.#fill();
  }

  #emit(readings: readonly Reading[]): void {
    if (readings.length > 0 && !this.#options.signal.aborted) this.#options.onReadings(readings);
  }

  #refused(error: unknown): void {
    const status = statusNameOf(error);
    if (status === 'BadTooManyPublishRequests') this.#allowed = Math.max(1, this.#inFlight);
    else if (status !== 'BadTimeout' && !this.#isPaused) setImmediate(() => this.#giveUp(error));
    if (status === 'BadTimeout' || this.#inFlight === 0) this.#fill();
  }

  /** A turn later: a broken connection fails the requests first and tells that it is broken after. */
  #giveUp(error: unknown): void {
    if (!this.#isPaused && !this.#options.signal.aborted) this.#options.onFailure(error ?? new Error('publish failed'));
  }
}
