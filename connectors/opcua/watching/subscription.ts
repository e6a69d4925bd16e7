import {
  type CreateSubscriptionResponse,
  DataChangeNotification,
  EventNotificationList,
  type NotificationMessage,
  StatusChangeNotification,
} from 'node-opcua-client';
import type { Reading } from '../../../src/model/reading.ts';
import type { RawSession } from '../protocol/raw-session.ts';
import type { EventItem } from './event-item.ts';
import { type MonitoredItem, pointsOf } from './monitored-item.ts';
import { type ChangesContext, readChanges, republish, understand } from './notifications.ts';
import { Sequence } from './sequence.ts';

/** The server's queue of sent messages is short; what is older is gone. */
const MAX_REPUBLISHED = 100;
/** After a break a server that has something to say says it so soon. */
const FIRST_WORD_MS = 1_000;
/** Silence for so many keep-alives is a loss. */
export const MAX_SILENT_KEEP_ALIVES = 2.5;

export interface SubscriptionSettings {
  readonly publishingMs: number;
  readonly keepAliveMs: number;
  /** The server is to keep it so long while nobody asks for what it collects. */
  readonly lifetimeMs: number;
}

export interface SubscriptionContext extends ChangesContext {
  readonly session: RawSession;
  /** Messages are missing for good, after those that came until then: points were told as doubted and are to be read. */
  readonly onLoss: (subscription: Subscription, sinceTimeMs: number) => void;
  readonly onEvents: (subscription: Subscription, events: EventNotificationList) => void;
}

/** What stays the same when another session takes the subscription over. */
interface Terms {
  readonly id: number;
  readonly askedPublishingMs: number;
  /** What the server made of it. */
  readonly publishingMs: number;
  /** Without a word for so long, the subscription is lost. */
  readonly maxSilenceMs: number;
  /** So long the server keeps it while nobody asks. */
  readonly lifetimeMs: number;
}

/**
 * One subscription of the server. A message that is missing is asked for again, one that came already is left out; what cannot be
 * had any more is counted, and the points concerned become uncertain.
 */
export class Subscription implements Terms {
  readonly id: number;
  readonly askedPublishingMs: number;
  readonly publishingMs: number;
  readonly maxSilenceMs: number;
  readonly lifetimeMs: number;
  /** What it watches for events, by handle; a subscription carries either values or events. */
  readonly events = new Map<number, EventItem>();
  /** Set when the server has ended the subscription. */
  ended: string | undefined;
  /** The server has more to tell than was in the last message; `undefined` until one came after a break. */
  hasMore: boolean | undefined = false;
  #resumedMs = 0;
  readonly #sequence: Sequence;
  readonly #context: SubscriptionContext;
  #heardMs: number;
  /** What the server had to tell until then has come; by the clock on the wall. */
  #completeTimeMs: number;
  #toAcknowledge: number[] = [];

  private constructor(terms: Terms, sequence: Sequence, context: SubscriptionContext) {
    this.id = terms.id;
    this.askedPublishingMs = terms.askedPublishingMs;
    this.publishingMs = terms.publishingMs;
    this.maxSilenceMs = terms.maxSilenceMs;
    this.lifetimeMs = terms.lifetimeMs;
    this.#sequence = sequence;
    this.#context = context;
    this.#heardMs = context.clock.monotonicMs();
    this.#completeTimeMs = context.clock.nowMs();
  }

  static async create(settings: SubscriptionSettings, context: SubscriptionContext): Promise<Subscription> {
    const { publishingMs, keepAliveMs, lifetimeMs } = settings;
    const keepAliveCount = Math.max(1, Math.round(keepAliveMs / publishingMs));
    const response = await context.session.createSubscription({
      requestedPublishingInterval: publishingMs,
      requestedMaxKeepAliveCount: keepAliveCount,
      requestedLifetimeCount: Math.max(3 * keepAliveCount, Math.ceil(lifetimeMs / publishingMs)),
      maxNotificationsPerPublish: 0,
      publishingEnabled: true,
      priority: 1,
    });
    return new Subscription(termsOf(response, publishingMs), new Sequence(), context);
  }

  /** The same subscription, with its events, in a session that has taken it over. */
  adoptedBy(context: SubscriptionContext): Subscription {
    const adopted = new Subscription(this, this.#sequence, context);
    for (const [handle, item] of this.events) adopted.events.set(handle, item);
    // What it collected meanwhile is still to come, and may be lost on the way.
    adopted.#completeTimeMs = this.#completeTimeMs;
    return adopted;
  }

  /** What it watches for values. */
  items(): readonly MonitoredItem[] {
    return this.#context.items.all().filter((item) => item.subscription.id === this.id);
  }

  /** What the server kept is still to come; after a break it gets some time to begin. */
  isBehind(nowMs: number): boolean {
    return this.hasMore ?? nowMs - this.#resumedMs < FIRST_WORD_MS + 2 * this.publishingMs;
  }

  isSilent(nowMs: number): boolean {
    return nowMs - this.#heardMs > this.maxSilenceMs;
  }

  /** Nothing that the server had to tell until then is still to come; by the clock on the wall. */
  get completeTimeMs(): number {
    return this.#completeTimeMs;
  }

  /** Silence begins now; gives that, by the clock on the wall. */
  hear(): number {
    this.#heardMs = this.#context.clock.monotonicMs();
    return this.#context.clock.nowMs();
  }

  /** The numbers of the messages that came since the last call, for the server to forget. */
  takeAcknowledgements(): readonly number[] {
    const numbers = this.#toAcknowledge;
    if (numbers.length > 0) this.#toAcknowledge = [];
    return numbers;
  }

  /** Readings of one message that came at `heardTimeMs`, in order, after those of messages that were missing before it. */
  async receive(message: NotificationMessage, heardTimeMs: number): Promise<readonly Reading[]> {
    this.hear();
    const readings = await this.#take(message);
    if (this.hasMore !== true) this.#completeTimeMs = heardTimeMs;
    return readings;
  }

  async #take(message: NotificationMessage): Promise<readonly Reading[]> {
    const { counters } = this.#context;
    const isKeepAlive = (message.notificationData ?? []).length === 0;
    if (!isKeepAlive && this.#sequence.isRepeated(message.sequenceNumber, publishMs(message))) {
      counters.repeated_messages += 1;
      this.#toAcknowledge.push(message.sequenceNumber);
      return [];
    }
    const recovered = await this.#recover(message.sequenceNumber);
    if (isKeepAlive) {
      counters.keep_alives += 1;
      return recovered;
    }
    this.#note(message);
    this.#noteEnd(message);
    return [...recovered, ...(await this.#read(message))];
  }

  /** After a break: asks for what was sent into the void. */
  recoverLatest(): Promise<readonly Reading[]> {
    this.hear();
    this.hasMore = undefined;
    this.#resumedMs = this.#context.clock.monotonicMs();
    return this.#republish(MAX_REPUBLISHED);
  }

  async #recover(upTo: number): Promise<readonly Reading[]> {
    const missing = this.#sequence.missingBefore(upTo);
    if (missing === 0) return [];
    const readings = await this.#republish(Math.min(missing, MAX_REPUBLISHED));
    if (this.#sequence.missingBefore(upTo) === 0) return readings;
    this.#context.counters.sequence_gaps += 1;
    this.#sequence.skipTo(upTo);
    this.#context.onLoss(this, this.#completeTimeMs);
    return [...readings, ...this.#doubtEverything()];
  }

  async #republish(count: number): Promise<readonly Reading[]> {
    const readings: Reading[] = [];
    for (let at = 0; at < count && this.#sequence.next !== undefined; at += 1) {
      const message = await republish(this.#context.session, this.id, this.#sequence.next);
      if (message === undefined) break;
      this.#context.counters.republished_messages += 1;
      this.#note(message);
      readings.push(...(await this.#read(message)));
    }
    return readings;
  }

  #note(message: NotificationMessage): void {
    this.#sequence.take(message.sequenceNumber, publishMs(message));
    this.#toAcknowledge.push(message.sequenceNumber);
  }

  /** From its last value on nobody knows what each point was, until it is read. */
  #doubtEverything(): readonly Reading[] {
    const { last, clock } = this.#context;
    return last.doubt(this.items().flatMap(pointsOf), 'UncertainLastUsableValue', clock.nowMs());
  }

  /** Only of what comes by itself: a message that is sent again may speak to the former session. */
  #noteEnd(message: NotificationMessage): void {
    for (const data of message.notificationData ?? []) {
      if (data instanceof StatusChangeNotification) this.ended = data.status.name;
    }
  }

  async #read(message: NotificationMessage): Promise<readonly Reading[]> {
    await understand(this.#context.session, message);
    const notifications = message.notificationData ?? [];
    for (const data of notifications) if (data instanceof EventNotificationList) this.#context.onEvents(this, data);
    return notifications
      .filter((data) => data instanceof DataChangeNotification)
      .flatMap((data) => readChanges(data, this.#context));
  }
}

function termsOf(response: CreateSubscriptionResponse, askedPublishingMs: number): Terms {
  const { subscriptionId, revisedPublishingInterval, revisedMaxKeepAliveCount, revisedLifetimeCount } = response;
  return {
    id: subscriptionId,
    askedPublishingMs,
    publishingMs: revisedPublishingInterval,
    maxSilenceMs: MAX_SILENT_KEEP_ALIVES * revisedPublishingInterval * revisedMaxKeepAliveCount,
    lifetimeMs: revisedPublishingInterval * revisedLifetimeCount,
  };
}

function publishMs({ publishTime }: NotificationMessage): number {
  return publishTime?.getTime() ?? 0;
}
