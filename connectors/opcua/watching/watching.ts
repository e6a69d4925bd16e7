import type { UnmeasuredReason } from '../../../src/model/device-gap.ts';
import type { Point } from '../../../src/model/point.ts';
import type { Reading } from '../../../src/model/reading.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import type { OpcuaSettings } from '../mapping/settings.ts';
import type { UsableNode } from '../nodes/nodes.ts';
import type { Counters } from '../protocol/counters.ts';
import { statusNameOf } from '../protocol/errors.ts';
import type { RawSession } from '../protocol/raw-session.ts';
import type { ServerFacts } from '../protocol/requests.ts';
import { type LeftSubscriptions, type Memory, takeLeft } from './memory.ts';
import { createItems, deleteItems, type MonitoredItem, planItems, pointsOf } from './monitored-item.ts';
import { Publisher } from './publisher.ts';
import { Subscription, type SubscriptionContext } from './subscription.ts';
import { transfer } from './transfer.ts';
import { WatchedItems } from './watched-items.ts';

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
  readonly #items: WatchedItems;
  /** By the publishing interval that was asked for: those with room for more. */
  readonly #subscriptions = new Map<number, Subscription>();
  /** Items that were made together, and until when the first value of each is to come. */
  #waiting: { readonly items: readonly MonitoredItem[]; readonly untilMs: number }[] = [];
  /** Apart from those of values. */
  #ofEvents: Subscription | undefined;

  constructor(context: WatchingContext) {
    this.#context = context;
    this.publisher = new Publisher(context);
    this.#items = new WatchedItems(context.memory.numbers);
  }

  item(point: Point): MonitoredItem | undefined {
    return this.#items.of(point);
  }

  get items(): readonly MonitoredItem[] {
    return this.#items.all();
  }

  /** For the next session to take over; absent where there is nothing that it should trust. */
  get left(): LeftSubscriptions | undefined {
    const { url, facts } = this.#context;
    const subscriptions = this.publisher.subscriptions.filter(({ ended }) => ended === undefined);
    return subscriptions.length === 0 ? undefined : { url, facts, subscriptions, items: this.items };
  }

  /** What the session before left with the server goes on as it was, but for items that are not sound any more. */
  async adopt(isSound: (item: MonitoredItem) => boolean): Promise<void> {
    const { session, facts, url, memory } = this.#context;
    const { left } = memory;
    const ours = takeLeft(memory, url, facts);
    const adopted = await transfer(session, ours?.subscriptions ?? [], this.#subscriptionContext()).catch((error) => {
      memory.left = left;
      throw error;
    });
    for (const subscription of adopted) {
      if (subscription.events.size > 0) this.#ofEvents = subscription;
      if (subscription.events.size > 0) continue;
      this.#subscriptions.set(subscription.askedPublishingMs, subscription);
      const items = ours?.items.filter((item) => item.subscription.id === subscription.id) ?? [];
      const sound = new Set(items.filter(isSound));
      for (const item of sound) this.#items.add(item);
      await deleteItems(
        session,
        subscription,
        items.filter((item) => !sound.has(item)),
        facts.limits,
      );
    }
    if (adopted.length > 0) this.publisher.adopt(adopted);
  }

  /** Asks the server to watch the points; what it refuses is told by `problem` of the item. */
  async watch(nodes: readonly UsableNode[], onPlanned: (items: readonly MonitoredItem[]) => void = () => {}): Promise<void> {
    const { settings, clock, memory } = this.#context;
    const { numbers } = memory;
    const groups = Map.groupBy(nodes, ({ point }) => point.address.publishingInterval ?? settings.publishingInterval);
    for (const [publishingMs, group] of groups) {
      const subscription = await this.#subscription(publishingMs);
      numbers.beginRound();
      const items = planItems(group, subscription.publishingMs, (point) => numbers.handle(numbers.of(point)));
      for (const item of items) this.#items.add(item);
      onPlanned(items);
      await this.#spread(items, publishingMs);
      this.#waiting.push({ items, untilMs: clock.monotonicMs() + MAX_WAITING_SILENCES * subscription.maxSilenceMs });
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
      const held = subscription.items().length;
      const part = rest.slice(0, facts.itemsPerSubscription - held);
      await createItems(session, subscription, part, facts.limits);
      const refused = part.filter(({ problem }) => problem === FULL);
      // One that holds nothing else would hold none of the others either: it is the server that is full.
      if (refused.length > 0 && refused.length === held + part.length) return refuse(rest);
      rest = [...refused, ...rest.slice(part.length)];
      if (rest.length > 0) this.#subscriptions.delete(publishingMs);
    }
  }

  /** Before they are watched anew. */
  async unwatch(items: readonly MonitoredItem[]): Promise<void> {
    const { session, facts } = this.#context;
    for (const item of items) this.#items.delete(item);
    for (const subscription of this.publisher.subscriptions) {
      const own = items.filter((item) => item.subscription.id === subscription.id);
      await deleteItems(session, subscription, own, facts.limits);
    }
  }

  /** Items that have waited too long for their first value. */
  overdue(): readonly MonitoredItem[] {
    const nowMs = this.#context.clock.monotonicMs();
    const over = this.#waiting.filter(({ untilMs }) => untilMs <= nowMs);
    if (over.length > 0) this.#waiting = this.#waiting.filter(({ untilMs }) => untilMs > nowMs);
    const isSilent = (item: MonitoredItem) =>
      !item.isActive && item.problem === undefined && this.#items.of(item.node.point) === item;
    return over.flatMap(({ items }) => items.filter(isSilent));
  }

  #subscriptionContext(): SubscriptionContext {
    return {
      ...this.#context,
      last: this.#context.memory.last,
      items: this.#items,
      onLoss: (subscription, fromTimeMs) => {
        if (subscription.events.size > 0) return this.#context.onEventsLost(subscription, fromTimeMs);
        this.openGaps(subscription.items(), { isLost: true, reason: 'subscription-gap', fromTimeMs });
        this.#context.onDoubt();
      },
    };
  }

  /** From now on values may be missing, until the next one comes. */
  openGaps(items: readonly MonitoredItem[], { isLost, reason, fromTimeMs }: OpenedGap): void {
    const { clock, memory } = this.#context;
    const { last } = memory;
    const untilMs = clock.monotonicMs() + OVERFLOW_WITHIN_MS;
    for (const item of items) {
      if (item.gap?.isLost === true || last.sample(item.node.point) === undefined) continue;
      const since = pointsOf(item).map((point) => last.sample(point));
      if (!since.every((sample) => sample !== undefined)) continue;
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
    if (known !== undefined && known.items().length < this.#context.facts.itemsPerSubscription) return known;
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
