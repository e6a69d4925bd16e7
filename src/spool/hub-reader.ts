import type { Stored } from '../model/twin-message.ts';
import { type Acknowledged, acknowledgedAhead, acknowledgedUpTo, type Cursor, MAX_STRETCHES } from './acknowledged.ts';
import type { ClassLane, ClassLanes, ClassReader } from './class-log.ts';
import { type LogView, LogWalk } from './log-walk.ts';
import type { Segment } from './segment.ts';

/**
 * The reader of one hub: one walk through the log; live first, a second one from where new messages begin. What that one has
 * acknowledged is a stretch ahead of the cursor, which the first one skips when it comes there. Then both are one again.
 */
export class HubReader implements ClassReader {
  readonly #hub: string;
  readonly #view: LogView;
  readonly #walk: LogWalk;
  #live: LogWalk | undefined;
  #acknowledged: Acknowledged;

  constructor(hub: string, acknowledged: Acknowledged, view: LogView) {
    this.#hub = hub;
    this.#acknowledged = acknowledged;
    this.#view = view;
    this.#walk = this.#createWalk(acknowledged, (to) => this.#move(acknowledgedUpTo(this.#acknowledged, to)));
  }

  /** What is acknowledged: up to the cursor, and ahead of it. */
  get cursor(): Acknowledged {
    return this.#acknowledged;
  }

  /** When the oldest message that was read and not acknowledged was appended. */
  get oldestTimeMs(): number | undefined {
    return this.#walk.oldestTimeMs ?? this.#live?.oldestTimeMs;
  }

  /** What is in it may be on its way to the hub. */
  isIn(segment: Segment): boolean {
    return this.#walk.isIn(segment) || this.#live?.isIn(segment) === true;
  }

  take(maxBytes: number): Promise<readonly Stored[] | 'later'> {
    return this.#walk.next(maxBytes);
  }

  rewind(): void {
    const live = this.#live;
    this.#live = undefined;
    void live?.close();
    this.#walk.endAt(undefined);
    this.#walk.jumpTo(this.#acknowledged);
  }

  liveFirst(maxBehind: number): ClassLanes | undefined {
    const from = this.#liveFrom(maxBehind);
    if (from === undefined) return undefined;
    const live = this.#createWalk(from, (to) => this.#move(acknowledgedAhead(this.#acknowledged, { from, to })));
    this.#live = live;
    this.#walk.endAt(from);
    return { live: this.#laneOf(live, live), history: this.#laneOf(this.#walk, live) };
  }

  acknowledge(offset: number): void {
    this.#walk.acknowledge(offset);
  }

  reject(stored: Stored, reason: string): Promise<void> {
    return this.#view.reject(this.#hub, stored, reason);
  }

  /** Everything up to the cursor is gone or is not for this hub. */
  advance(cursor: Cursor): void {
    this.#acknowledged = acknowledgedUpTo(this.#acknowledged, cursor);
    this.#walk.advance(this.#acknowledged);
    this.#live?.advance(this.#acknowledged);
  }

  async close(): Promise<void> {
    await this.#walk.close();
    await this.#live?.close();
  }

  /** Behind what was acknowledged ahead before, as long as little waits there or another stretch would be one too many. */
  #liveFrom(maxBehind: number): Cursor | undefined {
    const { ahead = [] } = this.#acknowledged;
    const last = ahead.at(-1)?.to;
    const end = this.#view.end(this.#hub);
    const behind = end.messages - (last ?? this.#acknowledged).messages;
    return behind > maxBehind && ahead.length < MAX_STRETCHES ? end : last;
  }

  #createWalk(from: Cursor, onThrough: (to: Cursor) => void): LogWalk {
    const acknowledged = () => this.#acknowledged;
    return new LogWalk({ hub: this.#hub, view: this.#view, from, acknowledged, onThrough });
  }

  #move(acknowledged: Acknowledged): void {
    const before = this.#acknowledged;
    this.#acknowledged = acknowledged;
    const hasMoved = acknowledged.offset > before.offset || acknowledged.ahead?.at(-1)?.to !== before.ahead?.at(-1)?.to;
    if (hasMoved) this.#view.onAcknowledged();
  }

  /** Over as soon as `live` is no longer the one. */
  #laneOf(walk: LogWalk, live: LogWalk): ClassLane {
    return {
      take: async (maxBytes) => (this.#live === live ? walk.next(maxBytes) : []),
      acknowledge: (offset) => {
        if (this.#live === live) walk.acknowledge(offset);
      },
    };
  }
}
