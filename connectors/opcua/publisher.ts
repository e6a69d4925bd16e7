import { PublishRequest, type PublishResponse } from 'node-opcua-client';
import type { Reading } from '../../src/model/reading.ts';
import { statusNameOf } from './errors.ts';
import type { RawSession } from './raw-session.ts';
import type { Subscription } from './subscription.ts';

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
  #acknowledgements: { subscriptionId: number; sequenceNumber: number }[] = [];
  #inFlight = 0;
  #allowed = MAX_IN_FLIGHT;
  #isPaused = false;
  #inbox: Promise<void> = Promise.resolve();

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  get subscriptions(): readonly Subscription[] {
    return [...this.#subscriptions.values()];
  }

  add(subscription: Subscription): void {
    this.#subscriptions.set(subscription.id, subscription);
    this.#fill();
  }

  /** The network is away: what fails now is no reason to give up. */
  pause(): void {
    this.#isPaused = true;
  }

  /** The network is back and the session is still ours. */
  resume(): void {
    this.#enqueue(async () => {
      for (const subscription of this.#subscriptions.values()) this.#emit(await subscription.recoverLatest());
      this.#isPaused = false;
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
    const subscriptionAcknowledgements = this.#acknowledgements;
    this.#acknowledgements = [];
    const request = new PublishRequest({ requestHeader: { timeoutHint: this.#timeoutHintMs() }, subscriptionAcknowledgements });
    this.#options.session.publish(request, (error, response) => {
      this.#inFlight -= 1;
      if (this.#options.signal.aborted) return;
      if (error !== null || response === undefined) this.#refused(error);
      else this.#enqueue(() => this.#handle(response));
    });
  }

  /** Each request may have to wait until those before it were answered by a keep-alive. */
  #timeoutHintMs(): number {
    const slowestMs = Math.max(...this.subscriptions.map(({ maxSilenceMs }) => maxSilenceMs));
    return Math.ceil((MAX_IN_FLIGHT + 1) * slowestMs);
  }

  #enqueue(task: () => Promise<void>): void {
    this.#inbox = this.#inbox.then(task).catch((error) => {
      if (!this.#options.signal.aborted && !this.#isPaused) this.#options.onFailure(error);
    });
  }

  async #handle({ subscriptionId, notificationMessage }: PublishResponse): Promise<void> {
    const subscription = this.#subscriptions.get(subscriptionId);
    if (subscription !== undefined) {
      this.#emit(await subscription.receive(notificationMessage));
      if ((notificationMessage.notificationData ?? []).length > 0) {
        this.#acknowledgements.push({ subscriptionId, sequenceNumber: notificationMessage.sequenceNumber });
      }
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
