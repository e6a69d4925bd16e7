import type { DeviceGap, MissedPoint } from '../../../src/model/device-gap.ts';
import type { Point } from '../../../src/model/point.ts';
import type { Reading } from '../../../src/model/reading.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import type { OpcuaPoint } from '../mapping/settings.ts';
import type { Backfill } from './backfill.ts';
import type { Memory } from './memory.ts';
import { isPolled } from './missing.ts';
import { type Gap, type MonitoredItem, pointsOf } from './monitored-item.ts';
import { missedOf } from './polling.ts';
import { type Span, tellSpan } from './span.ts';

export interface GapsContext {
  readonly memory: Pick<Memory, 'missing' | 'last' | 'spans' | 'lostMs'>;
  readonly clock: Clock;
  /** Fills what it can and tells the rest; `undefined`: nothing is filled. */
  readonly backfill: Backfill | undefined;
  readonly onGap: (gap: DeviceGap) => void;
}

const TELL_REFUSED_MS = 10_000;

/** What the server was to tell by itself and did not, or not to us, as far as its history does not fill it. */
export class Gaps {
  readonly #context: GapsContext;
  /** Since when nobody listens, or did not when the session began. */
  #awayTimeMs: number;
  #refusedToldMs: number;

  constructor(context: GapsContext) {
    this.#context = context;
    this.#awayTimeMs = context.memory.missing.awayTimeMs ?? context.clock.nowMs();
    this.#refusedToldMs = context.clock.monotonicMs();
  }

  goAway(): void {
    this.#awayTimeMs = this.#context.clock.nowMs();
  }

  /** What was missed since the break, or between the session before and this one. */
  get away(): Pick<Gap, 'reason' | 'fromTimeMs'> {
    return { reason: 'device-away', fromTimeMs: this.#awayTimeMs };
  }

  /** The first word of an item, the first after a break, or one before which something was lost. */
  close(item: MonitoredItem, samples: readonly Reading[], hasOverflown: boolean): void {
    const { gap } = item;
    if (gap === undefined) {
      if (hasOverflown) this.#tellOverflow(item, samples);
      return;
    }
    const { clock } = this.#context;
    const isLost = gap.isLost || hasOverflown;
    if (!isLost && clock.monotonicMs() < gap.untilMs)
      item.gap = { ...gap, since: samples, fromTimeMs: this.#within(gap, samples) };
    else delete item.gap;
    if (!isLost) return;
    const reason = gap.isLost ? gap.reason : 'queue-overflow';
    const times = { fromTimeMs: gap.fromTimeMs, toTimeMs: gap.isLost ? clock.nowMs() : this.#within(gap, samples) };
    this.#fill({ points: pointsOf(item), before: gap.since, after: samples, reason, ...times });
  }

  /** Where nothing more is to come of what was lost, a value that was read ends the gap like one that was told. */
  closeSeen(readings: readonly Reading[], itemOf: (point: Point) => MonitoredItem | undefined): void {
    for (const [item, samples] of Map.groupBy(readings, ({ point }) => itemOf(point)))
      if (item?.gap?.isLost === true && samples.length === 1 + item.others.length) this.close(item, samples, false);
  }

  /** Of the points and events which the server does not watch; how much they would have told nobody knows. To be called often. */
  tellRefused(points: () => readonly MissedPoint[], events: () => readonly MissedPoint[]): void {
    const { clock } = this.#context;
    const forMs = clock.monotonicMs() - this.#refusedToldMs;
    if (forMs < TELL_REFUSED_MS) return;
    this.#refusedToldMs += forMs;
    const toTimeMs = clock.nowMs();
    const times = { fromTimeMs: Math.round(toTimeMs - forMs), toTimeMs };
    this.#tell(points(), 'refused', times);
    this.#tell(events(), 'refused', times, { isOfEvents: true });
  }

  /**
   * The first session opens only after some attempts: no queue and no history tells what happened until then, and of what patterns stand
   * for nobody has counted the polls. `read`: all that are read.
   */
  tellNeverThere(read: () => readonly Point<OpcuaPoint>[]): void {
    const { memory, clock } = this.#context;
    const { awayTimeMs, neverTimeMs } = memory.missing;
    memory.missing.back();
    if (awayTimeMs === undefined || neverTimeMs === undefined || memory.lostMs !== undefined) return;
    const toTimeMs = clock.nowMs();
    const points = read();
    const unknown = memory.missing.unknown(points);
    const known = new Set(unknown);
    const told = points.filter((point) => !known.has(point) && !isPolled(point));
    this.#tell(told, 'device-away', { fromTimeMs: awayTimeMs, toTimeMs }, { isOver: true });
    this.#tell(unknown, 'device-away', { fromTimeMs: neverTimeMs, toTimeMs }, { isOver: true });
  }

  /** The session ends for good: what still waits to be filled is missing. */
  stop(): void {
    for (const span of this.#context.memory.spans) this.#tellSpan(span);
  }

  /** When the newest was sampled, as far as the clock of the device can be believed: not before the break, not in the future. */
  #within({ fromTimeMs }: Gap, samples: readonly Reading[]): number {
    const sampledMs = samples.reduce((newest, { sourceTimeMs }) => Math.max(newest, sourceTimeMs), fromTimeMs);
    return Math.min(sampledMs, this.#context.clock.nowMs());
  }

  #fill(span: Span): void {
    if (this.#context.backfill === undefined) this.#tellSpan(span);
    else this.#context.backfill.add(span);
  }

  #tellSpan(span: Span): void {
    for (const gap of tellSpan(span)) this.#context.onGap(gap);
  }

  /** All was well, and the queue is too small for what happens: it will be so again. */
  #tellOverflow(item: MonitoredItem, samples: readonly Reading[]): void {
    const points = pointsOf(item);
    const toTimeMs = Math.max(...samples.map(({ sourceTimeMs }) => sourceTimeMs));
    const before = points.flatMap((point) => this.#context.memory.last.sample(point)?.sourceTimeMs ?? []);
    this.#tell(points, 'queue-overflow', { fromTimeMs: Math.min(toTimeMs, ...before), toTimeMs }, { isOver: true });
  }

  #tell(
    points: readonly MissedPoint[],
    reason: DeviceGap['reason'],
    times: Pick<DeviceGap, 'fromTimeMs' | 'toTimeMs'>,
    more: Pick<DeviceGap, 'isOver' | 'isOfEvents'> = {},
  ): void {
    for (const gap of missedOf(points, { polls: 0, ...times }, reason)) this.#context.onGap({ ...gap, ...more });
  }
}
