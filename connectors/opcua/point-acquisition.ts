import type { Point } from '../../src/model/point.ts';
import { badReading, type Reading } from '../../src/model/reading.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { runPollGroups } from '../../src/southbound/poll-groups.ts';
import type { Counters } from './counters.ts';
import { Doubts } from './doubts.ts';
import { type LeftSubscriptions, type Memory, takeLeft } from './memory.ts';
import { createItems, deleteItems, type MonitoredItem, planItem, sharingKey, type UsableNode } from './monitored-item.ts';
import { type FoundNode, findNodes } from './nodes.ts';
import { pollGroup } from './polling.ts';
import { Publisher } from './publisher.ts';
import type { RawSession } from './raw-session.ts';
import type { ServerFacts } from './requests.ts';
import type { OpcuaPoint, OpcuaSettings } from './settings.ts';
import { Subscription, type SubscriptionContext } from './subscription.ts';
import { transfer } from './transfer.ts';

export interface AcquisitionContext {
  readonly session: RawSession;
  readonly settings: OpcuaSettings;
  readonly facts: ServerFacts;
  readonly url: string;
  readonly memory: Memory;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly isAway: () => boolean;
  readonly onReadings: (readings: readonly Reading[]) => void;
  readonly onFailure: (error: unknown) => void;
  readonly onEvents: SubscriptionContext['onEvents'];
}

/** A point that could not be found or watched is tried again this often: the engineer may be loading the PLC. */
const RETRY_PROBLEMS_MS = 60_000;
const MIN_PUBLISHING_MS = 50;

/** Brings all points of one session in: subscribes to some, polls the others, tells the rest bad and tries them again. */
export class PointAcquisition {
  readonly publisher: Publisher;
  readonly #context: AcquisitionContext;
  readonly #nodes = new Map<string, FoundNode>();
  readonly #items = new Map<string, MonitoredItem>();
  readonly #subscriptions = new Map<number, Subscription>();
  readonly #doubts: Doubts;
  #handles = 0;
  /** Taken over from the session before. */
  #ofEvents: Subscription | undefined;

  constructor(context: AcquisitionContext, nodes: readonly FoundNode[]) {
    this.#context = context;
    for (const node of nodes) this.#nodes.set(node.point.id, node);
    this.publisher = new Publisher(context);
    this.#doubts = new Doubts({
      ...context,
      last: context.memory.last,
      watched: () => this.#usable('subscribe'),
      isBehind: () => this.publisher.isBehind,
      settleAfterMs: () =>
        2 * Math.max(MIN_PUBLISHING_MS, ...this.publisher.subscriptions.map(({ publishingMs }) => publishingMs)),
    });
  }

  /** Called when the network breaks, and the library tries to bring it back. */
  goAway(): void {
    this.publisher.pause();
    this.#doubts.tellAway([...this.#nodes.values()].map(({ point }) => point));
  }

  /** Called when the network is back and the session is still ours. */
  comeBack(): void {
    this.publisher.resume();
    void this.#doubts.settle();
  }

  node(point: Point): FoundNode | undefined {
    return this.#nodes.get(point.id);
  }

  get items(): readonly MonitoredItem[] {
    return [...new Set(this.#items.values())];
  }

  /** Status names by point id of all that cannot be read. */
  get problems(): Readonly<Record<string, string>> {
    const nodes = [...this.#nodes.values()].map(({ point, problem }) => [point.id, problem] as const);
    const items = [...this.#items].map(([id, { problem }]) => [id, problem] as const);
    return Object.fromEntries([...nodes, ...items].filter((entry): entry is [string, string] => entry[1] !== undefined));
  }

  /** For the next session to take over; empty where there is nothing that it should trust. */
  get left(): LeftSubscriptions | undefined {
    const { url, facts } = this.#context;
    const subscriptions = this.publisher.subscriptions.filter(({ ended }) => ended === undefined);
    return subscriptions.length === 0 ? undefined : { url, facts, subscriptions };
  }

  async start(): Promise<void> {
    const { memory } = this.#context;
    const points = [...this.#nodes.values()].map(({ point }) => point);
    if (memory.lostMs !== undefined) memory.last.lose(points, memory.lostMs);
    await this.#adopt();
    await this.#subscribe(this.#usable('subscribe').filter(({ point }) => !this.#items.has(point.id)));
    void this.#doubts.settle();
    this.#tellProblems();
    this.#poll();
    void this.#retryProblems();
  }

  #poll(): void {
    const { facts, clock, signal, counters, onFailure } = this.#context;
    const nodesOf = (intervalMs: number) => this.#usable('poll').filter(({ point }) => point.intervalMs === intervalMs);
    const intervals = new Set(this.#readable('poll').map(({ point }) => point.intervalMs));
    const onReadings = (readings: readonly Reading[]) => {
      this.#context.onReadings(this.#doubts.last.take(readings, clock.nowMs()));
    };
    const options = { ...this.#context, limits: facts.limits, onReadings };
    const groups = [...intervals].map((intervalMs) => pollGroup(() => nodesOf(intervalMs), intervalMs, options));
    const onSkipped = (polls: number) => {
      counters.skipped_polls += polls;
    };
    runPollGroups(groups, { clock, signal, onSkipped }).catch(onFailure);
  }

  #readable(how: OpcuaPoint['read']): readonly FoundNode[] {
    return [...this.#nodes.values()].filter(({ point }) => point.access !== 'write' && point.address.read === how);
  }

  #usable(how: OpcuaPoint['read']): readonly UsableNode[] {
    return this.#readable(how).filter((node) => node.problem === undefined);
  }

  async #subscribe(nodes: readonly UsableNode[]): Promise<void> {
    const { session, settings, facts } = this.#context;
    const groups = Map.groupBy(nodes, ({ point }) => point.address.publishingInterval ?? settings.publishingInterval);
    for (const [publishingMs, group] of groups) {
      const subscription = await this.#subscription(publishingMs);
      const shared = Map.groupBy(group, sharingKey).values();
      const items = [...shared].flatMap(([first, ...more]) =>
        first === undefined ? [] : this.#plan([first, ...more], subscription),
      );
      await createItems(session, subscription.id, items, facts.limits);
    }
  }

  #plan(nodes: readonly [UsableNode, ...UsableNode[]], subscription: Subscription): MonitoredItem {
    this.#handles += 1;
    const item = planItem(nodes, this.#handles, subscription.publishingMs);
    subscription.items.set(item.handle, item);
    for (const { point } of nodes) this.#items.set(point.id, item);
    return item;
  }

  /** What the session before left with the server goes on as it was, but for nodes that are not what they were. */
  async #adopt(): Promise<void> {
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
      const stale = [...subscription.items.values()].filter((item) => !this.#keep(item));
      for (const { handle } of stale) subscription.items.delete(handle);
      await deleteItems(session, subscription.id, stale, facts.limits);
    }
    this.publisher.adopt(adopted);
  }

  #keep(item: MonitoredItem): boolean {
    this.#handles = Math.max(this.#handles, item.handle);
    const isSound =
      item.problem === undefined && item.nodes.every(({ point }) => this.#nodes.get(point.id)?.problem === undefined);
    if (isSound) for (const { point } of item.nodes) this.#items.set(point.id, item);
    return isSound;
  }

  #subscriptionContext(): SubscriptionContext {
    return {
      ...this.#context,
      last: this.#doubts.last,
      onDoubt: () => void this.#doubts.settle(),
      onNotable: (item) => this.#note(item),
    };
  }

  #note(item: MonitoredItem): void {
    item.isActive = true;
  }

  /** The subscription for events, apart from those of values. To be called after `start`. */
  async eventSubscription(): Promise<Subscription> {
    if (this.#ofEvents !== undefined) return this.#ofEvents;
    const { settings } = this.#context;
    const publishingMs = settings.publishingInterval;
    const wish = { publishingMs, keepAliveMs: settings.keepAlive, lifetimeMs: settings.subscriptionLifetime };
    const subscription = await Subscription.create(wish, this.#subscriptionContext());
    this.#ofEvents = subscription;
    this.publisher.add(subscription);
    return subscription;
  }

  async #subscription(publishingMs: number): Promise<Subscription> {
    const { settings } = this.#context;
    const known = this.#subscriptions.get(publishingMs);
    if (known !== undefined) return known;
    const wish = { publishingMs, keepAliveMs: settings.keepAlive, lifetimeMs: settings.subscriptionLifetime };
    const subscription = await Subscription.create(wish, this.#subscriptionContext());
    this.#subscriptions.set(publishingMs, subscription);
    this.publisher.add(subscription);
    return subscription;
  }

  #tellProblems(): void {
    const { clock, onReadings } = this.#context;
    const problems = this.problems;
    const readings = [...this.#nodes.values()].flatMap(({ point }) => {
      const status = problems[point.id];
      return status === undefined || point.access === 'write' ? [] : [badReading(point, status, clock.nowMs())];
    });
    if (readings.length > 0) onReadings(readings);
  }

  async #retryProblems(): Promise<void> {
    const { clock, signal, isAway, onFailure } = this.#context;
    while (!signal.aborted) {
      await clock.sleep(RETRY_PROBLEMS_MS, signal).catch(() => {});
      if (!signal.aborted && !isAway()) await this.#retryOnce().catch(onFailure);
    }
  }

  async #retryOnce(): Promise<void> {
    const { session, facts, memory } = this.#context;
    const problems = this.problems;
    const points = [...this.#nodes.values()].map(({ point }) => point).filter(({ id }) => problems[id] !== undefined);
    if (points.length === 0) return;
    const found = await findNodes(session, points, facts, memory.fingerprints);
    for (const node of found) this.#nodes.set(node.point.id, node);
    await this.#subscribe(this.#usable('subscribe').filter(({ point }) => problems[point.id] !== undefined));
  }
}
