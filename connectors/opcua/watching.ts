import type { UnmeasuredReason } from '../../src/model/device-gap.ts';
import type { Reading } from '../../src/model/reading.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { Counters } from './counters.ts';
import { statusNameOf } from './errors.ts';
import { type LeftSubscriptions, type Memory, takeLeft } from './memory.ts';
import { createItems, deleteItems, type MonitoredItem, planItem, sharingKey, type UsableNode } from './monitored-item.ts';
import { Publisher } from './publisher.ts';
import type { RawSession } from './raw-session.ts';
import type { ServerFacts } from './requests.ts';
import type { OpcuaSettings } from './settings.ts';
import { Subscription, type SubscriptionContext } from './subscription.ts';
import { transfer } from './transfer.ts';

export interface WatchingContext {
  readonly session: RawSession;
  readonly settings: OpcuaSettings;
  readonly facts: ServerFacts;
  readonly url: string;
  readonly memory: Memory;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onReadings: (readings: readonly Reading[]) => void;
  readonly onFailure: (error: unknown) => void;
  readonly onEvents: SubscriptionContext['onEvents'];
  /** See `SubscriptionContext.onLoss`. */
  readonly onEventsLost: SubscriptionContext['onLoss'];
  readonly onDoubt: () => void;
  /** See `SubscriptionContext`. */
  readonly onNotable: (item: MonitoredItem, samples: readonly Reading[], hasOverflown: boolean) => void;
}

/** A server is to send a first value of every item; so many silences of a subscription are given to it. */
const MAX_WAITING_SILENCES = 2;

const FULL = 'BadTooManyMonitoredItems';

/** After a break the first that a server tells may be older than what overflowed. */
const OVERFLOW_WITHIN_MS = 5_000;

interface OpenedGap {
  readonly isLost: boolean;
  readonly reason: UnmeasuredReason;
  readonly fromTimeMs: number;
}

/** What the server watches for one session: its subscriptions and their monitored items. */
export class Watching {
  readonly publisher: Publisher;
  readonly #context: WatchingContext;
  /** By point. */
  readonly #items = new Map<string, MonitoredItem>();
  /** By the publishing interval that was asked for: those with room for more. */
  readonly #subscriptions = new Map<number, Subscription>();
  readonly #waiting = new Map<MonitoredItem, number>();
  #handles = 0;
  /** Apart from those of values. */
  #ofEvents: Subscription | undefined;

  constructor(context: WatchingContext) {
    this.#context = context;
    this.publisher = new Publisher(context);
  }

  item(pointId: string): MonitoredItem | undefined {
    return this.#items.get(pointId);
  }

  get items(): readonly MonitoredItem[] {
    return [...new Set(this.#items.values())];
  }

  /** For the next session to take over; absent where there is nothing that it should trust. */
  get left(): LeftSubscriptions | undefined {
    const { url, facts } = this.#context;
    const subscriptions = this.publisher.subscriptions.filter(({ ended }) => ended === undefined);
    return subscriptions.length === 0 ? undefined : { url, facts, subscriptions };
  }

  /** What the session before left with the server goes on as it was, but for items that are not sound any more. */
  async adopt(isSound: (item: MonitoredItem) => boolean): Promise<void> {
    const { session, facts, url, memory } = this.#context;
    const { left } = memory;
    const adopted = await transfer(session, takeLeft(memory, url, facts), this.#subscriptionContext()).catch((error) => {
      memory.left = left;
      throw error;
    });
    for (const subscription of adopted) {
      if (subscription.events.size > 0) this.#ofEvents = subscription;
      if (subscription.events.size > 0) continue;
      this.#subscriptions.set(subscription.askedPublishingMs, subscription);
      const [sound, stale] = [[...subscription.items.values()].filter(isSound), new Set(subscription.items.values())];
      for (const item of sound) stale.delete(item);
      for (const item of sound) this.#know(item);
      for (const { handle } of stale) subscription.items.delete(handle);
      await deleteItems(session, subscription.id, [...stale], facts.limits);
    }
    if (adopted.length > 0) this.publisher.adopt(adopted);
  }

  /** Asks the server to watch the points; what it refuses is told by `problem` of the item. */
  async watch(nodes: readonly UsableNode[], onPlanned: (item: MonitoredItem) => void = () => {}): Promise<void> {
    const { settings, clock } = this.#context;
    const groups = Map.groupBy(nodes, ({ point }) => point.address.publishingInterval ?? settings.publishingInterval);
    for (const [publishingMs, group] of groups) {
      const subscription = await this.#subscription(publishingMs);
      const shared = Map.groupBy(group, sharingKey).values();
      const items = [...shared].flatMap(([first, ...more]) =>
        first === undefined ? [] : [planItem([first, ...more], ++this.#handles, subscription.publishingMs)],
      );
      for (const item of items) {
        this.#know(item);
        onPlanned(item);
      }
      await this.#spread(items, publishingMs);
      const untilMs = clock.monotonicMs() + MAX_WAITING_SILENCES * subscription.maxSilenceMs;
      for (const item of items) if (!item.isActive && item.problem === undefined) this.#waiting.set(item, untilMs);
    }
  }

  /** Over as many subscriptions as it takes: servers limit what one of them may hold, and not all say so before. */
  async #spread(items: readonly MonitoredItem[], publishingMs: number): Promise<void> {
    const { session, facts } = this.#context;
    let rest = items;
    while (rest.length > 0) {
      const subscription = await this.#subscription(publishingMs).catch((error) => {
        if (rest[0]?.problem !== FULL || !/BadTooMany/.test(statusNameOf(error) ?? '')) throw error;
      });
      if (subscription === undefined) return refuse(rest);
      const part = rest.slice(0, facts.itemsPerSubscription - subscription.items.size);
      for (const item of part) subscription.items.set(item.handle, item);
      await createItems(session, subscription.id, part, facts.limits);
      const refused = part.filter(({ problem }) => problem === FULL);
      // One that holds nothing else would hold none of the others either: it is the server that is full.
      if (refused.length > 0 && refused.length === subscription.items.size) return refuse(rest);
      for (const { handle } of refused) subscription.items.delete(handle);
      rest = [...refused, ...rest.slice(part.length)];
      if (rest.length > 0) this.#subscriptions.delete(publishingMs);
    }
  }

  /** Before they are watched anew. */
  async unwatch(items: readonly MonitoredItem[]): Promise<void> {
    const { session, facts } = this.#context;
    for (const subscription of this.publisher.subscriptions) {
      const own = items.filter((item) => subscription.items.get(item.handle) === item);
      for (const item of own) {
        subscription.items.delete(item.handle);
        this.#waiting.delete(item);
        for (const { point } of item.nodes) this.#items.delete(point.id);
      }
      await deleteItems(session, subscription.id, own, facts.limits);
    }
  }

  /** Items that have waited too long for their first value. */
  overdue(): readonly MonitoredItem[] {
    if (this.#waiting.size === 0) return [];
    const nowMs = this.#context.clock.monotonicMs();
    const overdue: MonitoredItem[] = [];
    for (const [item, untilMs] of this.#waiting) {
      if (!item.isActive && untilMs > nowMs) continue;
      this.#waiting.delete(item);
      if (!item.isActive) overdue.push(item);
    }
    return overdue;
  }

  #know(item: MonitoredItem): void {
    this.#handles = Math.max(this.#handles, item.handle);
    for (const { point } of item.nodes) this.#items.set(point.id, item);
  }

  #subscriptionContext(): SubscriptionContext {
    return {
      ...this.#context,
      last: this.#context.memory.last,
      onLoss: (subscription, fromTimeMs) => {
        if (subscription.events.size > 0) return this.#context.onEventsLost(subscription, fromTimeMs);
        this.openGaps(subscription.items.values(), { isLost: true, reason: 'subscription-gap', fromTimeMs });
        this.#context.onDoubt();
      },
    };
  }

  /** From now on values may be missing, until the next one comes. */
  openGaps(items: Iterable<MonitoredItem>, { isLost, reason, fromTimeMs }: OpenedGap): void {
    const { clock, memory } = this.#context;
    const { last } = memory;
    const untilMs = clock.monotonicMs() + OVERFLOW_WITHIN_MS;
    for (const item of items) {
      const since = item.nodes.map(({ point }) => last.sample(point)).filter((sample) => sample !== undefined);
      if (item.gap?.isLost === true || since.length < item.nodes.length) continue;
      item.gap = { since: item.gap?.since ?? since, isLost, reason, untilMs, fromTimeMs: item.gap?.fromTimeMs ?? fromTimeMs };
    }
  }

  /** The subscription for events. To be called after `adopt`. */
  async eventSubscription(): Promise<Subscription> {
    this.#ofEvents ??= await this.#create(this.#context.settings.publishingInterval);
    return this.#ofEvents;
  }

  async #subscription(publishingMs: number): Promise<Subscription> {
    const known = this.#subscriptions.get(publishingMs);
    if (known !== undefined && known.items.size < this.#context.facts.itemsPerSubscription) return known;
    const subscription = await this.#create(publishingMs);
    this.#subscriptions.set(publishingMs, subscription);
    return subscription;
  }

  async #create(publishingMs: number): Promise<Subscription> {
    const { settings } = this.#context;
    const wish = { publishingMs, keepAliveMs: settings.keepAlive, lifetimeMs: settings.subscriptionLifetime };
    const subscription = await Subscription.create(wish, this.#subscriptionContext());
    this.publisher.add(subscription);
    return subscription;
  }
}

function refuse(items: readonly MonitoredItem[]): void {
  for (const item of items) item.problem = FULL;
}
