import type { WhenFull } from '../model/spool-class.ts';
import type { CursorKeeper } from './cursor-keeper.ts';
import type { DamageWatch } from './damage-watch.ts';
import { DroppedRuns } from './dropped-runs.ts';
import type { HubReader } from './hub-reader.ts';
import type { LogParts } from './log-parts.ts';
import type { LogWriter } from './log-writer.ts';
import { type Loss, LossLedger } from './loss-ledger.ts';
import type { Segment } from './segment.ts';
import { Thinning } from './thinning.ts';

/** Kept free for the gap record of one twin and hub. */
const STATEMENT_BYTES = 700;

const OWN_SEGMENTS = 4;

/** What of the ways to be full leaves the log as it is. */
const REFUSES_NEW: Readonly<Record<WhenFull, boolean>> = {
  ...{ 'drop-oldest': false, 'drop-newest': true, thin: false, block: true },
};

interface Doomed {
  readonly segments: readonly Segment[];
  readonly next: Segment;
  readonly losses: readonly Loss[];
  readonly droppedMessages: number;
  readonly damagedMessages: number;
}

/**
 * Deletes from the front what every hub has acknowledged, what is too old, and, when the spool is full, the oldest. What goes
 * unread is declared first: gap records, then cursors, then the files.
 */
export class Retention {
  readonly #parts: LogParts;
  readonly #writer: LogWriter;
  readonly #keeper: CursorKeeper;
  readonly #damage: DamageWatch;
  readonly #thinning: Thinning;
  readonly #runs = new DroppedRuns();
  #lowBytes: number | undefined;

  constructor(parts: LogParts, writer: LogWriter, keeper: CursorKeeper, damage: DamageWatch) {
    this.#parts = parts;
    this.#writer = writer;
    this.#keeper = keeper;
    this.#damage = damage;
    this.#thinning = new Thinning(parts, writer, damage);
  }

  /** Everything in the directory. */
  get bytes(): number {
    const { store, cursorFile, gapCopies, quarantine } = this.#parts;
    return store.bytes + cursorFile.bytes + gapCopies.bytes + quarantine.bytes;
  }

  /** False when the spool is full and the newest are to be refused, or to wait. */
  async makeRoom(neededBytes: number): Promise<boolean> {
    const { options } = this.#parts;
    const limit = await this.#limit();
    const excessOf = () => this.#excess(neededBytes, limit);
    if (excessOf() <= 0) return true;
    await this.free();
    for (let excess = excessOf(); excess > 0; excess = excessOf()) {
      if (REFUSES_NEW[options.whenFull]) return false;
      if (options.whenFull === 'thin' && (await this.#thinning.thinOne())) continue;
      // With many twins the gap records take more than a segment gives: then several go at once.
      const isEnough = (freed: number, statements: number) => freed >= excess + statements;
      if (!(await this.#dropOldest('overflow', isEnough))) return true;
    }
    return true;
  }

  /** Drops what is too old; its age is that of the segment after it, counted in running time. */
  async expire(): Promise<void> {
    const { store, options, runningTime } = this.#parts;
    const ageMs = (segment: Segment) => runningTime.nowMs() - (segment.head?.runMs ?? runningTime.nowMs());
    const newest = store.segments.at(-1);
    if (newest !== undefined && ageMs(newest) > options.maxAgeMs / 16 && !store.isFresh) await store.rotate();
    const isExpired = () => store.segments[1] !== undefined && ageMs(store.segments[1]) > options.maxAgeMs;
    if (!isExpired()) return;
    await this.free();
    while (isExpired() && (await this.#dropOldest('expired', () => true)));
  }

  /** Deletes the oldest segments in which nothing waits for anybody. */
  async free(): Promise<void> {
    const { store, readers, counters } = this.#parts;
    for (;;) {
      const [oldest, next] = store.segments;
      if (oldest === undefined || next === undefined || this.#damage.isSuspect(oldest)) return;
      if (![...readers].every(([hub, reader]) => isThrough(hub, reader, oldest, next))) return;
      this.#keeper.goBeyond(next);
      await this.#keeper.save();
      await this.#remove(oldest);
      counters.add('freed_segments', 1);
    }
  }

  #excess(neededBytes: number, limit: number): number {
    return this.bytes + neededBytes + this.#parts.store.overheadBytes - limit;
  }

  /** Under the floor of the disk what it had when that began; a few segments are always its own, so that what is dropped is not all there is. */
  async #limit(): Promise<number> {
    const { store, limits, freeSpace } = this.#parts;
    const statements = Math.max(limits.reserveBytes, store.table.size * STATEMENT_BYTES);
    const limit = limits.maxBytes - Math.min(limits.maxBytes / 2, statements);
    this.#lowBytes = (await freeSpace.look()) ? (this.#lowBytes ?? this.bytes) : undefined;
    return Math.min(limit, Math.max(this.#lowBytes ?? limit, OWN_SEGMENTS * limits.segmentBytes));
  }

  /** False when there is nothing left to drop. */
  async #dropOldest(reason: string, isEnough: (freed: number, statements: number) => boolean): Promise<boolean> {
    const { store, options, counters } = this.#parts;
    if (store.segments.length < 2 && store.isFresh) return false;
    if (store.segments.length < 2) await store.rotate();
    const doomed = await this.#doom(reason, isEnough);
    if (doomed === undefined) return false;
    await this.#writer.state(doomed.losses);
    const messages = doomed.droppedMessages;
    counters.add(reason === 'expired' ? 'expired_messages' : 'dropped_messages', messages);
    counters.add('damaged_messages', doomed.damagedMessages);
    this.#keeper.goBeyond(doomed.next);
    this.#keeper.touch();
    await this.#keeper.save();
    const bytes = doomed.segments.reduce((sum, segment) => sum + segment.bytes, 0);
    for (const segment of doomed.segments) await this.#remove(segment);
    const fields = { reason, messages, bytes, segments: doomed.segments.length };
    options.onEvent({ level: 'warn', event: 'segment dropped', fields });
    return true;
  }

  async #doom(reason: string, isEnough: (freed: number, statements: number) => boolean): Promise<Doomed | undefined> {
    const ledger = new LossLedger((loss, range) => this.#runs.covers(loss, range));
    const onDropped = (loss: Loss, sequence: number) => this.#runs.extend(loss, sequence);
    const damaged: Loss[] = [];
    const segments: Segment[] = [];
    let [freed, droppedMessages, damagedMessages] = [0, 0, 0];
    for (const segment of this.#parts.store.segments.slice(0, -1)) {
      const audited = await this.#damage.audit(segment, { reason, ledger, onDropped });
      damaged.push(...audited.damaged);
      droppedMessages += audited.droppedMessages;
      damagedMessages += audited.damagedMessages;
      segments.push(segment);
      freed += segment.bytes;
      if (isEnough(freed, ledger.bytes)) break;
    }
    const next = this.#parts.store.segments[segments.length];
    if (segments.length === 0 || next === undefined) return undefined;
    return { segments, next, losses: [...ledger.take(), ...damaged], droppedMessages, damagedMessages };
  }

  async #remove(segment: Segment): Promise<void> {
    await this.#parts.store.remove(segment);
    this.#damage.forget(segment);
  }
}

/** All acknowledged; or nothing of it was for this hub, which the counts prove within one epoch. */
function isThrough(hub: string, { cursor }: HubReader, oldest: Segment, next: Segment): boolean {
  if (cursor.offset >= next.first - 1) return true;
  if (next.head === undefined || next.head.epoch !== oldest.head?.epoch) return false;
  return cursor.messages >= (next.head.totals[hub] ?? 0);
}
