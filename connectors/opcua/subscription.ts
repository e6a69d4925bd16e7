import {
  type CreateSubscriptionResponse,
  DataChangeNotification,
  EventNotificationList,
  type NotificationMessage,
  promoteOpaqueStructureInNotificationData,
  RepublishRequest,
  StatusChangeNotification,
} from 'node-opcua-client';
import type { Reading } from '../../src/model/reading.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { Counters } from './counters.ts';
import { statusNameOf } from './errors.ts';
import type { EventItem } from './event-item.ts';
import type { LastReadings } from './last-readings.ts';
import type { MonitoredItem } from './monitored-item.ts';
import type { RawSession } from './raw-session.ts';
import { toReading } from './reading.ts';
import { Sequence } from './sequence.ts';
import { isOverflow, isOverload, qualityOf } from './status-code.ts';

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

export interface SubscriptionContext {
  readonly session: RawSession;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly last: LastReadings;
  /** Messages are missing for good: points were told as doubted and are to be read. */
  readonly onDoubt: (items: Iterable<MonitoredItem>) => void;
  readonly onEvents: (subscription: Subscription, events: EventNotificationList) => void;
  /** Called before the readings are handed on, where more is to be done than that: see `isNotable`. */
  readonly onNotable: (item: MonitoredItem, samples: readonly Reading[], hasOverflown: boolean) => void;
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
  readonly items: Map<number, MonitoredItem>;
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
  #toAcknowledge: number[] = [];

  private constructor(terms: Terms, sequence: Sequence, items: Map<number, MonitoredItem>, context: SubscriptionContext) {
    this.id = terms.id;
    this.askedPublishingMs = terms.askedPublishingMs;
    this.publishingMs = terms.publishingMs;
    this.maxSilenceMs = terms.maxSilenceMs;
    this.lifetimeMs = terms.lifetimeMs;
    this.items = items;
    this.#sequence = sequence;
    this.#context = context;
    this.#heardMs = context.clock.monotonicMs();
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
    return new Subscription(termsOf(response, publishingMs), new Sequence(), new Map(), context);
  }

  /** The same subscription, with the items that are left of it, in a session that has taken it over. */
  adoptedBy(context: SubscriptionContext): Subscription {
    const adopted = new Subscription(this, this.#sequence, this.items, context);
    for (const [handle, item] of this.events) adopted.events.set(handle, item);
    return adopted;
  }

  /** What the server kept is still to come; after a break it gets some time to begin. */
  isBehind(nowMs: number): boolean {
    return this.hasMore ?? nowMs - this.#resumedMs < FIRST_WORD_MS + 2 * this.publishingMs;
  }

  isSilent(nowMs: number): boolean {
    return nowMs - this.#heardMs > this.maxSilenceMs;
  }

  /** Silence begins now. */
  hear(): void {
    this.#heardMs = this.#context.clock.monotonicMs();
  }

  /** The numbers of the messages that came since the last call, for the server to forget. */
  takeAcknowledgements(): readonly number[] {
    const numbers = this.#toAcknowledge;
    if (numbers.length > 0) this.#toAcknowledge = [];
    return numbers;
  }

  /** Readings of one message, in order, after those of messages that were missing before it. */
  async receive(message: NotificationMessage): Promise<readonly Reading[]> {
    const { counters } = this.#context;
    this.hear();
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
    this.#context.onDoubt(this.items.values());
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
    const points = [...this.items.values()].flatMap(({ nodes }) => nodes.map(({ point }) => point));
    return last.doubt(points, 'UncertainLastUsableValue', clock.nowMs());
  }

  /** Only of what comes by itself: a message that is sent again may speak to the former session. */
  #noteEnd(message: NotificationMessage): void {
    for (const data of message.notificationData ?? []) {
      if (data instanceof StatusChangeNotification) this.ended = data.status.name;
    }
  }

  async #read(message: NotificationMessage): Promise<readonly Reading[]> {
    await this.#understand(message);
    for (const data of message.notificationData ?? []) {
      if (data instanceof EventNotificationList) this.#context.onEvents(this, data);
    }
    const changes = (message.notificationData ?? []).filter((data) => data instanceof DataChangeNotification);
    return changes.flatMap((data) => this.#readChanges(data));
  }

  /** Structures come as bytes; what they mean the server has to be asked for, once. */
  async #understand({ notificationData }: NotificationMessage): Promise<void> {
    const data = (notificationData ?? []).filter((one) => one !== null);
    await promoteOpaqueStructureInNotificationData(this.#context.session, data).catch(() => {});
  }

  #readChanges({ monitoredItems }: DataChangeNotification): readonly Reading[] {
    const { clock, counters, last, onNotable } = this.#context;
    const nowMs = clock.nowMs();
    const readings: Reading[] = [];
    for (const { clientHandle, value } of monitoredItems ?? []) {
      const item = this.items.get(clientHandle);
      if (item === undefined) continue;
      const hasOverflown = isOverflow(value.statusCode.value);
      if (hasOverflown) counters.overflows += 1;
      item.isOverloaded = isOverload(value.statusCode.value);
      const from = readings.length;
      for (const node of item.nodes) readings.push(toReading(node, value, nowMs));
      if (isNotable(item, value.statusCode.value)) onNotable(item, readings.slice(from), hasOverflown);
    }
    counters.notifications += readings.length;
    return last.take(readings, nowMs);
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

/** The first word of an item, the first after a break, a loss in its queue, and what may say that the node is gone. */
function isNotable({ isActive, gap }: MonitoredItem, code: number): boolean {
  return isActive !== true || gap !== undefined || isOverflow(code) || qualityOf(code) === 'bad';
}

function publishMs({ publishTime }: NotificationMessage): number {
  return publishTime?.getTime() ?? 0;
}

/** `undefined` when the server does not have it any more. Rejects when the server cannot be asked. */
function republish(session: RawSession, subscriptionId: number, sequence: number): Promise<NotificationMessage | undefined> {
  return new Promise((resolve, reject) => {
    const request = new RepublishRequest({ subscriptionId, retransmitSequenceNumber: sequence });
    session.republish(request, (error, response) => {
      const status = error === null ? undefined : statusNameOf(error);
      if (status === 'BadMessageNotAvailable' || status === 'BadServiceUnsupported') resolve(undefined);
      else if (error !== null) reject(error);
      else resolve(response?.notificationMessage);
    });
  });
}
