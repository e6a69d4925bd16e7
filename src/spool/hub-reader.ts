import type { Stored } from '../model/twin-message.ts';
import { type Acknowledged, acknowledgedAhead, acknowledgedUpTo, type Cursor, MAX_STRETCHES } from './acknowledged.ts';
import { type LogView, LogWalk } from './log-walk.ts';
import type { Lanes, SpoolLane, SpoolPlace, SpoolReader } from './spool.ts';

/**
 * The reader of one hub: one walk through the log; live first, a second one from where new messages begin. What that one has
 * acknowledged is a stretch ahead of the cursor, which the first one skips when it comes there. Then both are one again.
 */
export class HubReader implements SpoolReader {
  readonly #hub: string;
  readonly #view: LogView;
  readonly #walk: LogWalk;
  #live: LogWalk | undefined;
  #acknowledged: Acknowledged;

  constructor(hub: string, acknowledged: Acknowledged, view: LogView) {
    this.#hub = hub;
    this.#acknowledged = acknowledged;
    this.#view = view;
    this.#walk = this.#createWalk(acknowledged, (to) => this.#take(acknowledgedUpTo(this.#acknowledged, to)));
  }

  /** What is acknowledged: up to the cursor, and ahead of it. */
  get cursor(): Acknowledged {
    return this.#acknowledged;
  }

  /** When the oldest message that was read and not acknowledged was appended. */
  get oldestTimeMs(): number | undefined {
    return this.#walk.oldestTimeMs ?? this.#live?.oldestTimeMs;
  }

  read(maxBytes: number, signal: AbortSignal): Promise<readonly Stored[]> {
    return this.#read(this.#walk, maxBytes, signal);
  }

  rewind(): void {
    const live = this.#live;
    this.#live = undefined;
    void live?.close();
    this.#walk.endAt(undefined);
    this.#walk.jumpTo(this.#acknowledged);
  }

  liveFirst(maxBehind: number): Lanes | undefined {
    const from = this.#liveFrom(maxBehind);
    if (from === undefined) return undefined;
    const live = this.#createWalk(from, (to) => this.#take(acknowledgedAhead(this.#acknowledged, { from, to })));
    this.#live = live;
    this.#walk.endAt(from);
    const history: SpoolLane = {
      read: (maxBytes, signal) => this.#readToEnd(live, maxBytes, signal),
      acknowledge: (last) => this.#live === live && this.acknowledge(last),
    };
    return {
      live: {
        read: (maxBytes, signal) => this.#read(live, maxBytes, signal),
        acknowledge: (last) => this.#live === live && live.acknowledge(last.offset),
      },
      history,
    };
  }

  acknowledge({ offset }: SpoolPlace): void {
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

  #take(acknowledged: Acknowledged): void {
    const before = this.#acknowledged;
    this.#acknowledged = acknowledged;
    const hasMoved = acknowledged.offset > before.offset || acknowledged.ahead?.at(-1)?.to !== before.ahead?.at(-1)?.to;
    if (hasMoved) this.#view.onAcknowledged();
  }

  async #read(walk: LogWalk, maxBytes: number, signal: AbortSignal): Promise<readonly Stored[]> {
    signal.throwIfAborted();
    for (;;) {
      const version = this.#view.version;
      const stored = await walk.next(maxBytes, signal);
      if (stored.length > 0) return stored;
      await this.#view.changed(version, signal);
    }
  }

  async #readToEnd(live: LogWalk, maxBytes: number, signal: AbortSignal): Promise<readonly Stored[]> {
    signal.throwIfAborted();
    return this.#live === live ? this.#walk.next(maxBytes, signal) : [];
  }
}
