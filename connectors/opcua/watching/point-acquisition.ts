import type { DeviceGap, MissedPoint } from '../../../src/model/device-gap.ts';
import type { DevicePlan } from '../../../src/model/plan.ts';
import type { Point } from '../../../src/model/point.ts';
import { badReading, type Reading } from '../../../src/model/reading.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import type { Log } from '../../../src/runtime/log.ts';
import { runPollGroups } from '../../../src/southbound/poll-groups.ts';
import type { OpcuaSettings } from '../mapping/settings.ts';
import { CHANGED, type FoundNode, type UsableNode } from '../nodes/nodes.ts';
import type { PatternWatch } from '../nodes/pattern-watch.ts';
import type { PatternChange } from '../nodes/patterns.ts';
import { RegisteredNodes } from '../nodes/registered-nodes.ts';
import type { Counters } from '../protocol/counters.ts';
import type { RawSession } from '../protocol/raw-session.ts';
import type { ServerFacts } from '../protocol/requests.ts';
import { Backfill } from './backfill.ts';
import { Doubts } from './doubts.ts';
import { FoundNodes, isRead } from './found-nodes.ts';
import { Gaps } from './gaps.ts';
import { forget, type Memory } from './memory.ts';
import { type MonitoredItem, nodesOf, pointsOf } from './monitored-item.ts';
import { pollGroup } from './polling.ts';
import { Retries } from './retries.ts';
import { ServerAggregates } from './server-aggregates.ts';
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
  /** Windows of the points that a pattern may bring to be computed by the server. */
  readonly windowsOfPatterns: readonly number[];
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
  readonly #nodes: FoundNodes;
  readonly #doubts: Doubts;
  readonly #gaps: Gaps;

  constructor(context: AcquisitionContext, nodes: readonly FoundNode[]) {
    this.#context = context;
    this.#nodes = new FoundNodes(context, nodes);
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
      onSeen: (readings) => this.#gaps.closeSeen(readings, (point) => this.watching.item(point)),
      watched: () => this.#nodes.usable('subscribe'),
      isBehind: () => this.watching.publisher.isBehind(context.clock.monotonicMs()),
      settleAfterMs: () =>
        2 * Math.max(MIN_PUBLISHING_MS, ...this.watching.publisher.subscriptions.map(({ publishingMs }) => publishingMs)),
    });
    const { backfill } = context.settings;
    const node = (point: Point) => this.node(point);
    this.backfill = backfill === false ? undefined : new Backfill({ ...context, spans, historyDoubt, node, atMostMs: backfill });
    this.#gaps = new Gaps({ ...context, backfill: this.backfill });
    this.aggregates = new ServerAggregates({ ...context, node, points: () => this.#nodes.points() });
  }

  /** Called when the network breaks, and the library tries to bring it back. */
  goAway(): void {
    this.#gaps.goAway();
    this.watching.publisher.pause();
    this.#doubts.tellAway(this.#nodes.points());
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
    return this.#nodes.of(point);
  }

  /** Status names by point id of all that cannot be read. */
  get problems(): ReadonlyMap<string, string> {
    return this.#problemsOf(this.#nodes.points());
  }

  #problemsOf(points: readonly Point[]): ReadonlyMap<string, string> {
    const problems = new Map<string, string>();
    for (const point of points) {
      const problem = this.#problemOf(point);
      if (problem !== undefined) problems.set(point.id, problem);
    }
    return problems;
  }

  async start(): Promise<void> {
    const { memory } = this.#context;
    this.#gaps.tellNeverThere(() => [...this.#nodes.read('subscribe'), ...this.#nodes.read('poll')].map(({ point }) => point));
    const points = this.#nodes.points();
    if (memory.lostMs !== undefined) memory.last.lose(points, memory.lostMs);
    await this.watching.adopt((item) => item.problem === undefined && nodesOf(item).every((node) => this.#nodes.isStill(node)));
    this.watching.openGaps(this.watching.items, { isLost: false, ...this.#gaps.away });
    await this.#watch(this.#nodes.usable('subscribe').filter(({ point }) => this.watching.item(point) === undefined));
    if (memory.lostMs !== undefined) void this.#doubts.settle();
    this.#settle(points);
    this.#poll();
    this.aggregates.start();
    this.backfill?.start();
    void this.#tryAgain();
  }

  #watch(nodes: readonly UsableNode[]): Promise<void> {
    return this.watching.watch(nodes, (items) => this.watching.openGaps(items, { isLost: true, ...this.#gaps.away }));
  }

  #poll(): void {
    const { session, settings, facts, clock, signal, counters, memory, pollIntervals, onFailure } = this.#context;
    const nodesOf = (intervalMs: number) => this.#nodes.read('poll').filter(({ point }) => point.intervalMs === intervalMs);
    const intervals = new Set([...pollIntervals, ...this.#nodes.read('poll').map(({ point }) => point.intervalMs)]);
    const onReadings = (readings: readonly Reading[]) => {
      for (const { point, status } of readings) if (status !== undefined && GONE.has(status)) this.#lookAgain(point, status);
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

  #note(item: MonitoredItem, samples: readonly Reading[], hasOverflown: boolean): void {
    item.isActive = true;
    if (hasOverflown) item.overflows = (item.overflows ?? 0) + 1;
    this.#gaps.close(item, samples, hasOverflown);
    const status = samples[0]?.status;
    if (status === undefined || !GONE.has(status)) return;
    item.problem = status;
    for (const { id } of pointsOf(item)) this.retries.fail(id);
    this.#context.patternWatch.doubt();
  }

  #lookAgain(point: Point, problem: string): void {
    if (this.node(point) === undefined) return;
    this.#nodes.lose(point, problem);
    this.retries.fail(point.id);
    this.#context.patternWatch.doubt();
  }

  async #tryAgain(): Promise<void> {
    const { clock, signal, isAway, onFailure } = this.#context;
    while (!signal.aborted) {
      await clock.sleep(LOOK_FOR_RETRIES_MS, signal).catch(() => {});
      if (!signal.aborted && !isAway()) this.#gaps.tellRefused(() => this.#refused(), this.#context.refusedEvents);
      if (!signal.aborted && !isAway()) await this.#lookAround().catch((error) => isAway() || onFailure(error));
    }
  }

  #refused(): readonly Point[] {
    const isRefused = (point: UsableNode['point']) => !isRead(point, 'poll') && point.access !== 'write';
    return this.#nodes.points().filter((point) => isRefused(point) && this.#problemOf(point) !== undefined);
  }

  #problemOf(point: Point): string | undefined {
    return this.node(point)?.problem ?? this.watching.item(point)?.problem;
  }

  async #lookAround(): Promise<void> {
    const { patternWatch, onFailure } = this.#context;
    const change = await patternWatch.changes();
    // Nobody would look for the rest of a change that a break of the network has cut off.
    if (change !== undefined) await this.#change(change).catch(onFailure);
    await this.#tryDue();
  }

  /** Of what is watched only what shares a value with points that go is begun anew. */
  async #change({ devices, gone, added }: PatternChange): Promise<void> {
    const { memory, onResolved } = this.#context;
    for (const point of gone) {
      this.#nodes.delete(point);
      this.retries.succeed(point.id);
    }
    const sharing = await this.#unwatch(gone).finally(() => forget(memory, gone));
    for (const device of devices) onResolved(device);
    await this.#nodes.find(added);
    await this.#watchAgain([...added, ...sharing]);
    this.#settle(added);
  }

  async #tryDue(): Promise<void> {
    const overdue = this.watching.overdue();
    const due = new Set(this.retries.due());
    if (overdue.length === 0 && due.size === 0) return;
    const silent = overdue.flatMap(pointsOf);
    const before = this.#problemsOf(silent);
    for (const item of overdue) item.problem = SILENT;
    this.#settle(silent, before);
    const points = this.#nodes.points().filter(({ id }) => due.has(id));
    if (points.length === 0) return;
    const known = this.#problemsOf(points);
    await this.#nodes.find(points);
    await this.#watchAgain([...points, ...(await this.#unwatch(points))]);
    this.#settle(points, known);
  }

  /** Gives all points that were watched with these. */
  async #unwatch(points: readonly Point[]): Promise<readonly Point[]> {
    const items = new Set(points.flatMap((point) => this.watching.item(point) ?? []));
    await this.watching.unwatch([...items]);
    return [...items].flatMap(pointsOf);
  }

  async #watchAgain(points: readonly Point[]): Promise<void> {
    const ids = new Set(points.map(({ id }) => id));
    await this.#watch(this.#nodes.usable('subscribe').filter(({ point }) => ids.has(point.id)));
  }

  /** Tells what is wrong now and was not told before; what is wrong is tried again later. */
  #settle(points: readonly UsableNode['point'][], known: ReadonlyMap<string, string> = new Map()): void {
    const { clock, onReadings } = this.#context;
    const readings: Reading[] = [];
    for (const point of points) {
      const problem = this.#problemOf(point);
      if (problem === undefined) this.retries.succeed(point.id);
      else this.retries.fail(point.id, { isSlow: problem === CHANGED });
      if (problem !== undefined && problem !== known.get(point.id) && point.access !== 'write')
        readings.push(badReading(point, problem, clock.nowMs()));
    }
    if (readings.length > 0) onReadings(readings);
  }
}
