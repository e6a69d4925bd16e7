import {
  type CreateSubscriptionResponse,
  DataChangeNotification,
  type NotificationMessage,
  promoteOpaqueStructureInNotificationData,
  RepublishRequest,
  StatusChangeNotification,
} from 'node-opcua-client';
import type { Reading } from '../../src/model/reading.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { Counters } from './counters.ts';
import { statusNameOf } from './errors.ts';
import type { LastReadings } from './last-readings.ts';
import type { MonitoredItem } from './monitored-item.ts';
import type { RawSession } from './raw-session.ts';
import { toReading } from './reading.ts';
import { isOverflow } from './status-code.ts';

/** The server's queue of sent messages is short; what is older is gone. */
const MAX_REPUBLISHED = 100;
const MAX_SEQUENCE = 0xffff_ffff;
/** Silence for so many keep-alives is a loss. */
export const MAX_SILENT_KEEP_ALIVES = 2.5;

export interface SubscriptionSettings {
  readonly publishingMs: number;
  readonly keepAliveMs: number;
  readonly sessionTimeoutMs: number;
}

export interface SubscriptionContext {
  readonly session: RawSession;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly last: LastReadings;
  /** Messages are missing for good: points were told as doubted and are to be read. */
  readonly onDoubt: () => void;
}

/**
 * One subscription of the server, with the sequence of its messages (Part 4 §5.14.1): 1, 2, 3 … and after 2³²−1 again 1. A
 * missing one is asked for again; what cannot be had any more is counted, and the points concerned become uncertain.
 */
export class Subscription {
  readonly id: number;
  readonly askedPublishingMs: number;
  /** What the server made of it. */
  readonly publishingMs: number;
  /** Without a word for so long, the subscription is lost. */
  readonly maxSilenceMs: number;
  readonly items = new Map<number, MonitoredItem>();
  /** Set when the server has ended the subscription. */
  ended: string | undefined;
  #heardMs: number;
  /** `undefined` until the first message came: some servers do not begin with 1. */
  #nextSequence: number | undefined;
  readonly #context: SubscriptionContext;

  private constructor(response: CreateSubscriptionResponse, askedPublishingMs: number, context: SubscriptionContext) {
    this.id = response.subscriptionId;
    this.askedPublishingMs = askedPublishingMs;
    this.publishingMs = response.revisedPublishingInterval;
    this.maxSilenceMs = MAX_SILENT_KEEP_ALIVES * response.revisedPublishingInterval * response.revisedMaxKeepAliveCount;
    this.#context = context;
    this.#heardMs = context.clock.monotonicMs();
  }

  static async create(settings: SubscriptionSettings, context: SubscriptionContext): Promise<Subscription> {
    const { publishingMs, keepAliveMs, sessionTimeoutMs } = settings;
    const keepAliveCount = Math.max(1, Math.round(keepAliveMs / publishingMs));
    const response = await context.session.createSubscription({
      requestedPublishingInterval: publishingMs,
      requestedMaxKeepAliveCount: keepAliveCount,
      requestedLifetimeCount: Math.max(3 * keepAliveCount, Math.ceil(sessionTimeoutMs / publishingMs)),
      maxNotificationsPerPublish: 0,
      publishingEnabled: true,
      priority: 1,
    });
    return new Subscription(response, publishingMs, context);
  }

  isSilent(nowMs: number): boolean {
    return nowMs - this.#heardMs > this.maxSilenceMs;
  }

  /** Readings of one message, in order, after those of messages that were missing before it. */
  async receive(message: NotificationMessage): Promise<readonly Reading[]> {
    const { clock, counters } = this.#context;
    this.#heardMs = clock.monotonicMs();
    const isKeepAlive = (message.notificationData ?? []).length === 0;
    const recovered = await this.#recover(message.sequenceNumber);
    if (isKeepAlive) {
      counters.keep_alives += 1;
      return recovered;
    }
    this.#nextSequence = following(message.sequenceNumber);
    return [...recovered, ...(await this.#read(message))];
  }

  /** After a short break: asks for what was sent into the void. */
  recoverLatest(): Promise<readonly Reading[]> {
    this.#heardMs = this.#context.clock.monotonicMs();
    return this.#republish(this.#nextSequence, MAX_REPUBLISHED);
  }

  async #recover(upTo: number): Promise<readonly Reading[]> {
    const missing = distance(this.#nextSequence ?? upTo, upTo);
    if (missing === 0) return [];
    const readings = await this.#republish(this.#nextSequence, Math.min(missing, MAX_REPUBLISHED));
    if (distance(this.#nextSequence ?? upTo, upTo) === 0) return readings;
    this.#context.counters.sequence_gaps += 1;
    this.#nextSequence = upTo;
    this.#context.onDoubt();
    return [...readings, ...this.#doubtEverything()];
  }

  async #republish(first: number | undefined, count: number): Promise<readonly Reading[]> {
    const readings: Reading[] = [];
    let sequence = first;
    for (let at = 0; at < count && sequence !== undefined; at += 1) {
      const message = await republish(this.#context.session, this.id, sequence);
      if (message === undefined) break;
      this.#context.counters.republished_messages += 1;
      sequence = following(sequence);
      this.#nextSequence = sequence;
      readings.push(...(await this.#read(message)));
    }
    return readings;
  }

  /** From its last value on nobody knows what each point was, until it is read. */
  #doubtEverything(): readonly Reading[] {
    const { last, clock } = this.#context;
    const points = [...this.items.values()].flatMap(({ nodes }) => nodes.map(({ point }) => point));
    return last.doubt(points, 'UncertainLastUsableValue', clock.nowMs());
  }

  async #read(message: NotificationMessage): Promise<readonly Reading[]> {
    await this.#understand(message);
    const readings: Reading[] = [];
    for (const data of message.notificationData ?? []) {
      if (data instanceof StatusChangeNotification) this.ended = data.status.name;
      if (data instanceof DataChangeNotification) readings.push(...this.#readChanges(data));
    }
    return readings;
  }

  /** Structures come as bytes; what they mean the server has to be asked for, once. */
  async #understand({ notificationData }: NotificationMessage): Promise<void> {
    const data = (notificationData ?? []).filter((one) => one !== null);
    await promoteOpaqueStructureInNotificationData(this.#context.session, data).catch(() => {});
  }

  #readChanges({ monitoredItems }: DataChangeNotification): readonly Reading[] {
    const { clock, counters, last } = this.#context;
    const readings: Reading[] = [];
    for (const { clientHandle, value } of monitoredItems ?? []) {
      const item = this.items.get(clientHandle);
      if (item === undefined) continue;
      if (isOverflow(value.statusCode.value)) counters.overflows += 1;
      for (const node of item.nodes) readings.push(toReading(node, value, clock.nowMs()));
    }
    counters.notifications += readings.length;
    return last.take(readings, clock.nowMs());
  }
}

function following(sequence: number): number {
  return sequence >= MAX_SEQUENCE ? 1 : sequence + 1;
}

/** Messages from `next` up to but without `received`; 0 too for one that came twice. */
function distance(next: number, received: number): number {
  const ahead = received - next;
  if (ahead >= 0) return ahead < MAX_SEQUENCE / 2 ? ahead : 0;
  return ahead < -MAX_SEQUENCE / 2 ? ahead + MAX_SEQUENCE : 0;
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
