import { asyncScheduler, type SchedulerAction, type SchedulerLike, Subject, type Subscription, VirtualTimeScheduler } from 'rxjs';
import type { ProtocolDeclaration } from '../model/declaration.ts';
import type { Draft } from '../model/draft.ts';
import type { DevicePlan, GatewayPlan } from '../model/plan.ts';
import type { Point } from '../model/point.ts';
import type { Batch, Reading } from '../model/reading.ts';
import { classOf, countReadings, type Stored } from '../model/twin-message.ts';
import type { Value } from '../model/value.ts';
import type { Dialect } from '../northbound/dialect.ts';
import { operators } from '../pipeline/operators/index.ts';
import { createPipeline } from '../pipeline/pipeline.ts';
import { systemClock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { acquire } from '../southbound/acquisition.ts';
import type { RunningDevice } from './device.ts';
import { followPatterns } from './patterns.ts';
import { declarations, openConnector } from './plug-ins.ts';

const DAY_MS = 86_400_000;
const SHORTEST_MS = 300_000;
const LONGEST_MS = 3_600_000;
/** So many readings are made up for one device at most, beside those of the shortest time. */
const READINGS_AT_MOST = 200_000;

/** What one twin sends to one hub in a day. */
export interface TwinCost {
  readonly twin: string;
  readonly messages: number;
  readonly readings: number;
  /** Of payload. */
  readonly bytes: number;
  /** Chunks as the hub bills them; as many as messages where it bills none. */
  readonly billed: number;
}

export interface HubCost {
  readonly hub: string;
  readonly chunkBytes?: number;
  readonly messagesPerDay?: number;
  readonly twins: readonly TwinCost[];
}

/** Counts what is handed to it as the hubs will get it. */
export class CostBook {
  readonly #plan: GatewayPlan;
  readonly #dialects: ReadonlyMap<string, Dialect>;
  readonly #costs = new Map<string, Map<string, { messages: number; readings: number; bytes: number; billed: number }>>();

  /** `dialects`: by the name of the hub. */
  constructor(plan: GatewayPlan, dialects: ReadonlyMap<string, Dialect>) {
    this.#plan = plan;
    this.#dialects = dialects;
  }

  /** `weight`: how often this happens in a day for each time it was seen. */
  take({ message, hubs }: Draft, weight: number): void {
    for (const hub of hubs) {
      const dialect = this.#dialects.get(hub);
      if (dialect === undefined) continue;
      const { quota, chunkBytes: chunk = quota?.chunkBytes ?? Number.POSITIVE_INFINITY } = dialect.limits;
      const cost = this.#costOf(hub, message.twin);
      cost.messages += weight;
      cost.readings += weight * countReadings(message);
      for (const packet of dialect.encode(asStored(message), message.startTimeMs)) {
        const bytes = packet.payload.length;
        cost.bytes += weight * bytes;
        cost.billed += weight * Math.max(1, Math.ceil((dialect.billedBytes?.(packet, 'sent') ?? bytes) / chunk));
      }
    }
  }

  costs(): readonly HubCost[] {
    return this.#plan.hubs.map(({ name }) => {
      const { quota, chunkBytes } = this.#dialects.get(name)?.limits ?? {};
      const twins = [...(this.#costs.get(name) ?? [])].map(([twin, cost]) => ({ twin, ...cost }));
      return { hub: name, ...(chunkBytes === undefined ? {} : { chunkBytes }), ...quota, twins };
    });
  }

  #costOf(hub: string, twin: string) {
    const twins = this.#costs.get(hub) ?? new Map();
    this.#costs.set(hub, twins);
    const cost = twins.get(twin) ?? { messages: 0, readings: 0, bytes: 0, billed: 0 };
    twins.set(twin, cost);
    return cost;
  }
}

/** Numbers as large as those of a gateway that has run for a while. */
function asStored(message: Draft['message']): Stored {
  return { class: classOf(message), offset: 10_000_000, sequence: 10_000_000, epoch: '0123456789abcdef', message };
}

/** What a mapping will cost if every value changes at each poll (the most), or none ever does (the least). */
export type Change = 'always' | 'never';

/** Runs the real pipelines on made-up readings in made-up time. */
export function estimateCost(plan: GatewayPlan, book: CostBook, change: Change): void {
  for (const { protocol, devices } of plan.connections) {
    const isDue = dueAlways(declarations.protocols.find((declared) => declared.protocol === protocol));
    for (const device of devices) estimateDevice(device, plan.gateway, book, { change, isDue });
  }
}

/** Whether a point comes every interval, also where nothing changes. */
function dueAlways({ dueEveryMs }: Partial<ProtocolDeclaration> = {}): (point: Point) => boolean {
  return (point) => dueEveryMs === undefined || dueEveryMs(point as never) !== undefined;
}

interface Estimate {
  readonly change: Change;
  readonly isDue: (point: Point) => boolean;
}

function estimateDevice(device: DevicePlan, gateway: GatewayPlan['gateway'], book: CostBook, { change, isDue }: Estimate): void {
  const points = device.points
    .map(({ point }) => point)
    .filter(({ address, access }) => address !== undefined && access !== 'write');
  if (points.length === 0) return;
  const spanMs = spanOf(points);
  const scheduler = new VirtualTimeScheduler(undefined, spanMs);
  const wallClock = at(scheduler, Date.UTC(2026, 0, 1));
  const readings = new Subject<readonly Reading[]>();
  // What opens the stream, and what is left at its end, happens once, not all day.
  const isCounted = () => scheduler.frame > spanMs / 4 && scheduler.frame < spanMs;
  const subscription = readings.pipe(createPipeline(device, operators, wallClock, { gateway })).subscribe((draft) => {
    if (isCounted()) book.take(draft, DAY_MS / (0.75 * spanMs));
  });
  for (const [intervalMs, group] of Map.groupBy(points, (point) => point.intervalMs)) {
    poll(scheduler, intervalMs, (round) => {
      const told = change === 'always' || round === 0 ? group : group.filter(isDue);
      if (told.length > 0) readings.next(told.map((point) => made(point, change === 'always' ? round : 0, wallClock.now())));
    });
  }
  scheduler.flush();
  subscription.unsubscribe();
}

function spanOf(points: readonly Point[]): number {
  const perMs = points.reduce((sum, { intervalMs }) => sum + 1 / intervalMs, 0);
  return Math.min(LONGEST_MS, Math.max(SHORTEST_MS, READINGS_AT_MOST / perMs));
}

function poll(scheduler: VirtualTimeScheduler, intervalMs: number, onPoll: (round: number) => void): void {
  let round = 0;
  scheduler.schedule(function again() {
    onPoll(round);
    round += 1;
    this.schedule(undefined, intervalMs);
  }, 0);
}

/** Made-up time as a date. */
function at(scheduler: VirtualTimeScheduler, startMs: number): SchedulerLike {
  return {
    now: () => startMs + scheduler.frame,
    schedule<T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0, state?: T): Subscription {
      return scheduler.schedule(work, delay, state);
    },
  };
}

function made(point: Point, round: number, sourceTimeMs: number): Reading {
  return { point, value: madeUpValue(point, round), quality: 'good', sourceTimeMs };
}

/** As long in JSON as values mostly are. */
function madeUpValue({ type = 'float32' }: Point, round: number): Value {
  if (type === 'boolean') return round % 2 === 0;
  if (type === 'string' || type === 'bytes' || type === 'guid') return `text ${round % 1_000}`.padEnd(16);
  if (type === 'dateTime') return new Date(Date.UTC(2026, 0, 1) + round * 1_000).toISOString();
  if (type === 'int64' || type === 'uint64') return BigInt(1_000_000 + round);
  if (type === 'float32' || type === 'float64') return 50 + (round % 20) + 0.25;
  return 50 + (round % 20);
}

export interface MeasureOptions {
  readonly log: Log;
  readonly stateDirectory: string;
  readonly forMs: number;
  readonly signal: AbortSignal;
}

/** Reads the real devices for a while and counts what the hubs would get of it; nothing is sent, nothing is kept. */
export async function measureCost(plan: GatewayPlan, book: CostBook, options: MeasureOptions): Promise<void> {
  const { log, stateDirectory, forMs } = options;
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(forMs)]);
  const drafts: Draft[] = [];
  const sources = new Map(
    plan.devices.map((device) => [
      device.twin,
      followPatterns(device, (one) => startCounting(one, plan, (draft) => drafts.push(draft))),
    ]),
  );
  const startedMs = performance.now();
  const running = plan.connections.map(async (connection) => {
    const connector = await openConnector(connection, plan.gateway.id, { log, clock: systemClock, stateDirectory });
    const onBatch = (batch: Batch) => sources.get(batch.device)?.take(batch);
    const onResolved = (device: DevicePlan) => sources.get(device.twin)?.resolve(device);
    await acquire(connector, { plan: connection, clock: systemClock, log, signal, onBatch, onResolved, onEvent: () => {} }).done;
  });
  await Promise.all(running);
  await Promise.all([...sources.values()].map((source) => source.complete()));
  const weight = DAY_MS / Math.max(1, performance.now() - startedMs);
  for (const draft of drafts) book.take(draft, weight);
}

function startCounting(device: DevicePlan, { gateway }: GatewayPlan, keep: (draft: Draft) => void): RunningDevice {
  const source = new Subject<readonly Reading[]>();
  source.pipe(createPipeline(device, operators, asyncScheduler, { gateway })).subscribe({ next: keep, error: () => {} });
  return {
    take: ({ readings }) => source.next(readings),
    tell: () => {},
    declare: () => {},
    flush: () => {},
    unmeasured: () => ({}),
    messages: () => 0,
    failures: () => 0,
    complete: async () => source.complete(),
  };
}
