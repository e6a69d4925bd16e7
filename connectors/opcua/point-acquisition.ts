import type { DeviceGap, MissedPoint } from '../../src/model/device-gap.ts';
import type { DevicePlan } from '../../src/model/plan.ts';
import type { Point } from '../../src/model/point.ts';
import { badReading, type Reading } from '../../src/model/reading.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { Log } from '../../src/runtime/log.ts';
import { runPollGroups } from '../../src/southbound/poll-groups.ts';
import { Backfill } from './backfill.ts';
import type { Counters } from './counters.ts';
import { Doubts } from './doubts.ts';
import { Gaps } from './gaps.ts';
import type { Memory } from './memory.ts';
import type { MonitoredItem, UsableNode } from './monitored-item.ts';
import { CHANGED, type FoundNode, findNodes } from './nodes.ts';
import type { PatternWatch } from './pattern-watch.ts';
import type { PatternChange } from './patterns.ts';
import { pollGroup } from './polling.ts';
import type { RawSession } from './raw-session.ts';
import { RegisteredNodes } from './registered-nodes.ts';
import type { ServerFacts } from './requests.ts';
import { Retries } from './retries.ts';
import { ServerAggregates } from './server-aggregates.ts';
import type { OpcuaPoint, OpcuaSettings } from './settings.ts';
import type { SubscriptionContext } from './subscription.ts';
import { Watching } from './watching.ts';

export interface AcquisitionContext {
  readonly session: RawSession;
  readonly settings: OpcuaSettings;
  readonly facts: ServerFacts;
  readonly url: string;
  readonly memory: Memory;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly patternWatch: PatternWatch;
  /** Intervals of the points that a pattern may bring to be polled. */
  readonly pollIntervals: readonly number[];
  readonly isAway: () => boolean;
  /** Called between the last reading of points that went and the first of those that came. */
  readonly onResolved: (device: DevicePlan) => void;
  readonly onReadings: (readings: readonly Reading[]) => void;
  readonly onHistory: (readings: readonly Reading[]) => void;
  readonly onGap: (gap: DeviceGap) => void;
  readonly onFailure: (error: unknown) => void;
  readonly onEvents: SubscriptionContext['onEvents'];
  readonly onEventsLost: SubscriptionContext['onLoss'];
  /** Entries of `events` that the server does not watch. */
  readonly refusedEvents: () => readonly MissedPoint[];
}

const LOOK_FOR_RETRIES_MS = 500;
const MIN_PUBLISHING_MS = 50;
/** The node is not there any more; what comes back under its id must be looked at first. */
const GONE: ReadonlySet<string> = new Set(['BadNodeIdUnknown', CHANGED]);
const SILENT = 'BadWaitingForInitialData';

/** Brings all points of one session in: subscribes to some, polls the others, tells the rest bad and tries them again. */
export class PointAcquisition {
  readonly watching: Watching;
  readonly retries: Retries;
  readonly backfill: Backfill | undefined;
  readonly aggregates: ServerAggregates;
  readonly #context: AcquisitionContext;
  readonly #nodes = new Map<string, FoundNode>();
  readonly #doubts: Doubts;
  readonly #gaps: Gaps;

  constructor(context: AcquisitionContext, nodes: readonly FoundNode[]) {
    this.#context = context;
    for (const node of nodes) this.#nodes.set(node.point.id, node);
    this.retries = new Retries(context.clock);
    this.watching = new Watching({
      ...context,
      onDoubt: () => void this.#doubts.settle(),
      onNotable: (item, samples, hasOverflown) => this.#note(item, samples, hasOverflown),
    });
    const { last, spans, historyDoubt } = context.memory;
    this.#doubts = new Doubts({
      ...context,
      last,
      onSeen: (readings) => this.#gaps.closeSeen(readings, (id) => this.watching.item(id)),
      watched: () => this.#usable('subscribe'),
      isBehind: () => this.watching.publisher.isBehind(context.clock.monotonicMs()),
      settleAfterMs: () =>
        2 * Math.max(MIN_PUBLISHING_MS, ...this.watching.publisher.subscriptions.map(({ publishingMs }) => publishingMs)),
    });
    const { backfill } = context.settings;
    const node = (point: Point) => this.#nodes.get(point.id);
    this.backfill = backfill === false ? undefined : new Backfill({ ...context, spans, historyDoubt, node, atMostMs: backfill });
    this.#gaps = new Gaps({ ...context, backfill: this.backfill });
    this.aggregates = new ServerAggregates([...this.#nodes.values()], { ...context, node });
  }

  /** Called when the network breaks, and the library tries to bring it back. */
  goAway(): void {
    this.#gaps.goAway();
    this.watching.publisher.pause();
    this.#doubts.tellAway([...this.#nodes.values()].map(({ point }) => point));
  }

  /** Called when the network is back and the session is still ours. */
  comeBack(): void {
    this.watching.openGaps(this.watching.items, { isLost: false, ...this.#gaps.away });
    this.watching.publisher.resume();
    void this.#doubts.settle();
    this.backfill?.start();
  }

  /** Called when the session ends for good. */
  stop(): void {
    this.#gaps.stop();
  }

  node(point: Point): FoundNode | undefined {
    return this.#nodes.get(point.id);
  }

  /** Status names by point id of all that cannot be read. */
  get problems(): Readonly<Record<string, string>> {
    const all = [...this.#nodes.values()].map((node) => [node.point.id, this.#problemOf(node)]);
    return Object.fromEntries(all.filter((entry): entry is [string, string] => entry[1] !== undefined));
  }

  async start(): Promise<void> {
    const { memory } = this.#context;
    this.#gaps.tellNeverThere(this.#readable('subscribe').map(({ point }) => point));
    const points = [...this.#nodes.values()].map(({ point }) => point);
    if (memory.lostMs !== undefined) memory.last.lose(points, memory.lostMs);
    await this.watching.adopt(({ problem, nodes }) => problem === undefined && nodes.every((node) => this.#isStill(node)));
    this.watching.openGaps(this.watching.items, { isLost: false, ...this.#gaps.away });
    await this.#watch(this.#usable('subscribe').filter(({ point }) => this.watching.item(point.id) === undefined));
    if (memory.lostMs !== undefined) void this.#doubts.settle();
    this.#settle(points, {});
    this.#poll();
    this.aggregates.start();
    this.backfill?.start();
    void this.#tryAgain();
  }

  /** A pattern may have brought another node under the name, or none. */
  #isStill({ point, nodeId }: UsableNode): boolean {
    const node = this.node(point);
    return node !== undefined && node.problem === undefined && node.nodeId.toString() === nodeId.toString();
  }

  #watch(nodes: readonly UsableNode[]): Promise<void> {
    return this.watching.watch(nodes, (item) => this.watching.openGaps([item], { isLost: true, ...this.#gaps.away }));
  }

  #poll(): void {
    const { session, settings, facts, clock, signal, counters, memory, pollIntervals, onFailure } = this.#context;
    const nodesOf = (intervalMs: number) => this.#readable('poll').filter(({ point }) => point.intervalMs === intervalMs);
    const intervals = new Set([...pollIntervals, ...this.#readable('poll').map(({ point }) => point.intervalMs)]);
    const onReadings = (readings: readonly Reading[]) => {
      for (const { point, status } of readings) if (status !== undefined && GONE.has(status)) this.#lookAgain(point.id, status);
      this.#context.onReadings(memory.last.take(readings, clock.nowMs()));
    };
    const registered = settings.registerNodes ? { registered: new RegisteredNodes(session, facts.limits) } : {};
    const options = { ...this.#context, limits: facts.limits, onReadings, ...registered };
    const groups = [...intervals].map((intervalMs) =>
      pollGroup(() => nodesOf(intervalMs), memory.missing.cycle(intervalMs), options),
    );
    const onSkipped = (polls: number) => {
      counters.skipped_polls += polls;
    };
    runPollGroups(groups, { clock, signal, onSkipped }).catch(onFailure);
  }

  #readable(how: OpcuaPoint['read']): readonly FoundNode[] {
    return [...this.#nodes.values()].filter(({ point }) => isRead(point, how));
  }

  #usable(how: OpcuaPoint['read']): readonly UsableNode[] {
    return this.#readable(how).filter((node) => node.problem === undefined);
  }

  #note(item: MonitoredItem, samples: readonly Reading[], hasOverflown: boolean): void {
    const { nodes } = item;
    item.isActive = true;
    if (hasOverflown) item.overflows = (item.overflows ?? 0) + 1;
    this.#gaps.close(item, samples, hasOverflown);
    const status = samples[0]?.status;
    if (status === undefined || !GONE.has(status)) return;
    item.problem = status;
    for (const { point } of nodes) this.retries.fail(point.id);
    this.#context.patternWatch.doubt();
  }

  #lookAgain(id: string, problem: string): void {
    const point = this.#nodes.get(id)?.point;
    if (point === undefined) return;
    this.#nodes.set(id, { point, problem });
    this.retries.fail(id);
    this.#context.patternWatch.doubt();
  }

  async #tryAgain(): Promise<void> {
    const { clock, signal, isAway, onFailure } = this.#context;
    while (!signal.aborted) {
      await clock.sleep(LOOK_FOR_RETRIES_MS, signal).catch(() => {});
      if (!signal.aborted && !isAway()) this.#gaps.tellRefused(this.#refused(), this.#context.refusedEvents());
      if (!signal.aborted && !isAway()) await this.#lookAround().catch((error) => isAway() || onFailure(error));
    }
  }

  #refused(): readonly Point[] {
    return [...this.#nodes.values()]
      .filter((node) => !isRead(node.point, 'poll') && node.point.access !== 'write' && this.#problemOf(node) !== undefined)
      .map(({ point }) => point);
  }

  #problemOf({ point, problem }: FoundNode): string | undefined {
    return problem ?? this.watching.item(point.id)?.problem;
  }

  async #lookAround(): Promise<void> {
    const change = await this.#context.patternWatch.changes();
    if (change !== undefined) await this.#change(change);
    await this.#tryDue();
  }

  /** Of what is watched only what shares a value with points that go is begun anew. */
  async #change({ devices, gone, added }: PatternChange): Promise<void> {
    const { session, facts, memory, onResolved } = this.#context;
    for (const { id } of gone) {
      this.#nodes.delete(id);
      this.retries.succeed(id);
    }
    const items = new Set(gone.flatMap(({ id }) => this.watching.item(id) ?? []));
    await this.watching.unwatch([...items]);
    for (const device of devices) onResolved(device);
    const found = await findNodes(session, added, facts, memory.fingerprints);
    for (const node of found) this.#nodes.set(node.point.id, node);
    const sharing = [...items].flatMap(({ nodes }) => nodes.map(({ point }) => point));
    const ids = new Set([...added, ...sharing].map(({ id }) => id));
    await this.#watch(this.#usable('subscribe').filter(({ point }) => ids.has(point.id)));
    this.#settle(added, {});
  }

  async #tryDue(): Promise<void> {
    const { session, facts, memory } = this.#context;
    const overdue = this.watching.overdue();
    const points = this.retries.due().flatMap((id) => this.#nodes.get(id)?.point ?? []);
    if (overdue.length === 0 && points.length === 0) return;
    const before = this.problems;
    for (const item of overdue) item.problem = SILENT;
    this.#settle(
      overdue.flatMap(({ nodes }) => nodes.map(({ point }) => point)),
      before,
    );
    if (points.length === 0) return;
    const known = this.problems;
    const found = await findNodes(session, points, facts, memory.fingerprints);
    for (const node of found) this.#nodes.set(node.point.id, node);
    const items = new Set(points.flatMap(({ id }) => this.watching.item(id) ?? []));
    await this.watching.unwatch([...items]);
    const ids = new Set([...points, ...[...items].flatMap(({ nodes }) => nodes.map(({ point }) => point))].map(({ id }) => id));
    await this.#watch(this.#usable('subscribe').filter(({ point }) => ids.has(point.id)));
    this.#settle(points, known);
  }

  /** Tells what is wrong now and was not told before; what is wrong is tried again later. */
  #settle(points: readonly UsableNode['point'][], known: Readonly<Record<string, string>>): void {
    const { clock, onReadings } = this.#context;
    const { problems } = this;
    const readings: Reading[] = [];
    for (const point of points) {
      const problem = problems[point.id];
      if (problem === undefined) this.retries.succeed(point.id);
      else this.retries.fail(point.id, { isSlow: problem === CHANGED });
      if (problem !== undefined && problem !== known[point.id] && point.access !== 'write')
        readings.push(badReading(point, problem, clock.nowMs()));
    }
    if (readings.length > 0) onReadings(readings);
  }
}

function isRead({ access, address }: UsableNode['point'], how: OpcuaPoint['read']): boolean {
  return access !== 'write' && address.read === how && address.serverAggregate === undefined;
}
