import { GatewayError } from '../model/error.ts';
import type { Stored } from '../model/twin-message.ts';
import { AppendQueue, encodeCommit, sizeOfAll, type Waiting } from './append-queue.ts';
import { Counters } from './counters.ts';
import type { CursorFile, CursorRecord } from './cursor-file.ts';
import type { FileSystem } from './file-system.ts';
import { HubReader, type LogView } from './hub-reader.ts';
import { gapMessage, type Loss, LossLedger } from './loss-ledger.ts';
import { encodeMessage, factsOf } from './message-record.ts';
import type { Quarantine } from './quarantine.ts';
import { readSequences, type Segment } from './segment.ts';
import { type Audit, auditSegment } from './segment-audit.ts';
import type { SegmentStore } from './segment-store.ts';
import type { Draft, Spool, SpoolReader, SpoolStatus } from './spool.ts';
import { limitsOf, type SpoolLimits, type SpoolOptions } from './spool-options.ts';
import { Turns } from './turns.ts';
import { WorkLoop } from './work-loop.ts';

export interface LogSpoolParts {
  readonly options: SpoolOptions;
  readonly fileSystem: FileSystem;
  readonly store: SegmentStore;
  readonly cursorFile: CursorFile;
  readonly quarantine: Quarantine;
  readonly cursors: CursorRecord | undefined;
  readonly suspects: readonly Segment[];
  readonly release: () => Promise<void>;
}

const COMMIT_BYTES = 256 * 1024;
const CHUNK_BYTES = 2 ** 20;
const DECLARE_EVERY_MS = 10_000;
const DEFAULT_COMMIT_WINDOW_MS = 100;

/**
 * The spool: what is appended waits in memory for its commit, a commit is one write and one fdatasync at the end of the log,
 * each hub reads the log at its own pace, and what every hub has acknowledged is deleted, a segment at a time.
 *
 * Order that keeps the promises, each step durable before the next:
 * - a message is committed → `append` resolves, readers see it;
 * - a cursor is written → the segments below it are deleted;
 * - a gap record is committed → the cursors go beyond what it declares → that segment is deleted. After a crash in between
 *   the gap may be declared again: at the receiver, a message that did arrive wins.
 * Everything that writes runs in one loop, one piece of work at a time.
 */
export class LogSpool implements Spool {
  readonly #options: SpoolOptions;
  readonly #parts: LogSpoolParts;
  readonly #limits: SpoolLimits;
  readonly #store: SegmentStore;
  readonly #queue = new AppendQueue();
  readonly #losses = new LossLedger();
  readonly #readers = new Map<string, HubReader>();
  readonly #turns: Turns;
  readonly #loop: WorkLoop;
  readonly #counters = new Counters();
  /** Segments of which something may be missing, with the offsets that hubs had acknowledged when they noticed. */
  readonly #suspects: Map<Segment, Map<string, number>>;
  readonly #declared: Map<number, number>;
  readonly #commitWindowMs: number;
  readonly #nowMs: () => number;
  #cursorsChanged = true;
  #declaredAtMs = Number.NEGATIVE_INFINITY;
  #closing: Promise<void> | undefined;

  constructor(parts: LogSpoolParts) {
    this.#parts = parts;
    this.#options = parts.options;
    this.#store = parts.store;
    this.#limits = limitsOf(parts.options);
    this.#nowMs = parts.options.nowMs ?? Date.now;
    this.#commitWindowMs = parts.options.commitWindowMs ?? DEFAULT_COMMIT_WINDOW_MS;
    this.#turns = new Turns(parts.options.directory);
    this.#suspects = new Map(parts.suspects.map((segment) => [segment, new Map()]));
    this.#declared = new Map(Object.entries(parts.cursors?.declared ?? {}).map(([first, print]) => [Number(first), print]));
    this.#loop = new WorkLoop({
      work: () => this.#work(),
      idleMs: Math.max(100, Math.min(60_000, this.#options.maxAgeMs / 16)),
      onFailure: (error) => this.#tellFailure(error),
      onHealed: () => parts.options.onEvent({ level: 'info', event: 'disk recovered', fields: {} }),
    });
    for (const hub of parts.options.hubs) this.#addReader(hub);
    this.#declareLostFront();
    this.#loop.schedule(this.#commitWindowMs);
  }

  append(drafts: readonly Draft[]): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(this.#closedError());
    return new Promise((resolve, reject) => {
      let left = drafts.length + 1;
      const settle = (error?: GatewayError) => {
        if (error !== undefined) return reject(error);
        left -= 1;
        if (left === 0) resolve();
      };
      for (const draft of drafts) this.#accept(draft, settle);
      settle();
      this.#shed();
      this.#loop.schedule(this.#queue.bytes >= COMMIT_BYTES ? 0 : this.#commitWindowMs);
    });
  }

  reader(hub: string): SpoolReader {
    const reader = this.#readers.get(hub);
    if (reader === undefined) throw new GatewayError('BUG', hub, 'the spool was not told of this hub');
    return reader;
  }

  status(): SpoolStatus {
    const waiting = [...this.#readers].map(([hub, reader]) => [hub, this.#waitingFor(hub, reader)]);
    const error = this.#loop.error;
    return {
      state: error === undefined ? 'ok' : 'degraded',
      epoch: this.#store.epoch,
      bytes: this.#bytes(),
      segments: this.#store.segments.length,
      hubs: Object.fromEntries(waiting),
      counters: this.#counters.all(),
      ...(error === undefined ? {} : { error: error instanceof Error ? error.message : String(error) }),
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #accept(draft: Draft, settle: Waiting['settle']): void {
    const hubs = [...new Set(draft.hubs)].filter((hub) => this.#readers.has(hub));
    const body = encodeMessage(draft.message);
    const entry: Waiting = { facts: factsOf(draft.message), hubs, body, settle };
    this.#counters.add('appended_messages', 1);
    if (hubs.length === 0) {
      this.#counters.add('unaddressed_messages', 1);
      settle();
    } else if (body.length > this.#limits.maxMessageBytes) this.#lose(entry, 'too-large', Object.keys(draft.message.values));
    else this.#queue.push(entry);
  }

  /** The disk is slow or ill and memory is bounded. */
  #shed(): void {
    while (this.#queue.bytes > this.#limits.maxWaitingBytes) {
      const isNewest = this.#options.whenFull === 'drop-newest';
      const shed = isNewest ? this.#queue.takeNewest() : this.#queue.take(1)[0];
      if (shed === undefined) return;
      this.#lose(shed, 'overflow');
    }
  }

  /** It never had a sequence number, so none is missing. */
  #lose({ facts, hubs, settle }: Waiting, reason: string, points: readonly string[] = []): void {
    this.#counters.add('dropped_messages', 1);
    const { twin, from: fromTimeMs, to: toTimeMs, readings } = facts;
    const some = points.length === 0 ? {} : { points };
    for (const hub of hubs) this.#losses.add({ twin, hub, reason, fromTimeMs, toTimeMs, messages: 1, readings, ...some });
    settle();
  }

  #waitingFor(hub: string, reader: HubReader) {
    const waitingMessages = Math.max(0, this.#store.table.total(hub) - reader.cursor.messages);
    if (waitingMessages === 0) return { waitingMessages };
    const segment = this.#store.segments.findLast(({ first }) => first <= reader.cursor.offset + 1) ?? this.#store.segments[0];
    const oldestTimeMs = reader.oldestTimeMs ?? segment?.head?.createdMs;
    return { waitingMessages, ...(oldestTimeMs === undefined ? {} : { oldestTimeMs }) };
  }

  #addReader(hub: string): void {
    const first = this.#store.segments[0];
    const oldest = { offset: (first?.first ?? 1) - 1, messages: first?.head?.totals[hub] ?? 0 };
    const cursors = this.#parts.cursors?.cursors ?? {};
    const cursor = Object.hasOwn(cursors, hub) ? cursors[hub] : undefined;
    this.#readers.set(hub, new HubReader(hub, cursor ?? oldest, this.#view()));
  }

  /** Segments that were deleted by somebody else below the oldest one: which twins they held is not known, only where they end. */
  #declareLostFront(): void {
    const first = this.#store.segments[0];
    if (first?.head === undefined) return;
    for (const [hub, reader] of this.#readers) {
      const messages = (first.head.totals[hub] ?? 0) - reader.cursor.messages;
      if (reader.cursor.offset < first.first - 1 && messages > 0) this.#lostFront.set(hub, { messages, segment: first });
    }
  }

  readonly #lostFront = new Map<string, { messages: number; segment: Segment }>();

  async #work(): Promise<void> {
    if (!this.#store.isOpen) await this.#store.rotate();
    await this.#declareFront();
    for (const segment of this.#suspects.keys()) await this.#examine(segment);
    await this.#expire();
    do {
      await this.#commitSome();
    } while (this.#queue.bytes >= COMMIT_BYTES || (this.#closing !== undefined && this.#queue.length > 0));
    await this.#saveCursors();
    await this.#free();
    if (this.#queue.length > 0) this.#loop.schedule(this.#commitWindowMs);
  }

  async #declareFront(): Promise<void> {
    for (const [hub, { messages, segment }] of this.#lostFront) {
      const sequences = (await readSequences(this.#parts.fileSystem, segment).catch(() => undefined))?.[hub] ?? {};
      const twins = Object.entries(sequences);
      const timeMs = segment.head?.createdMs ?? this.#nowMs();
      const losses = twins.map(([twin, toSequence]) => ({
        ...{ twin, hub, reason: 'damaged', toSequence, fromTimeMs: timeMs, toTimeMs: timeMs, readings: 0 },
        messages: twins.length === 1 ? messages : 0,
      }));
      await this.#commitGaps(losses);
      this.#counters.add('damaged_messages', messages);
      this.#readers.get(hub)?.advance({ offset: segment.first - 1, messages: segment.head?.totals[hub] ?? 0 });
      this.#cursorsChanged = true;
      this.#lostFront.delete(hub);
    }
  }

  async #commitSome(): Promise<void> {
    let entries = this.#queue.take(Math.min(CHUNK_BYTES, this.#limits.segmentBytes));
    try {
      const hasRoom = await this.#makeRoom(sizeOfAll(entries));
      if (!hasRoom) {
        for (const entry of entries.filter(({ facts }) => facts.kind !== 'gap')) this.#lose(entry, 'overflow');
        entries = entries.filter(({ facts }) => facts.kind === 'gap');
      }
      await this.#commit(entries, hasRoom || this.#mayDeclare());
    } catch (error) {
      this.#queue.putBack(entries);
      this.#shed();
      throw error;
    }
  }

  /** Into the reserve, and not too often: a full spool must not fill itself with gap records. */
  #mayDeclare(): boolean {
    const isDue = this.#nowMs() - this.#declaredAtMs >= DECLARE_EVERY_MS || this.#closing !== undefined;
    return isDue && this.#bytes() + this.#store.overheadBytes < this.#limits.maxBytes;
  }

  async #commit(entries: readonly Waiting[], withGaps: boolean): Promise<void> {
    const losses = withGaps ? this.#losses.take() : [];
    try {
      await this.#write([...losses.map(toWaiting), ...entries]);
    } catch (error) {
      for (const loss of losses) this.#losses.add(loss);
      throw error;
    }
    if (losses.length > 0) this.#declaredAtMs = this.#nowMs();
    for (const { settle } of entries) settle();
  }

  async #commitGaps(losses: readonly Loss[]): Promise<void> {
    await this.#write(losses.map(toWaiting));
  }

  async #write(entries: readonly Waiting[]): Promise<void> {
    if (entries.length === 0) return;
    const { table, epoch } = this.#store;
    const nowMs = this.#nowMs();
    let bytes = 0;
    await this.#store.append((firstOffset) => {
      const frames = encodeCommit(entries, { firstOffset, epoch, table, nowMs });
      bytes = frames.reduce((sum, frame) => sum + frame.length, 0);
      return frames;
    });
    this.#counters.add('commits', 1);
    this.#counters.add('committed_bytes', bytes);
    this.#counters.add('gap_messages', entries.filter(({ facts }) => facts.kind === 'gap').length);
    this.#turns.next();
  }

  #bytes(): number {
    return this.#store.bytes + this.#parts.cursorFile.bytes + this.#parts.quarantine.bytes;
  }

  async #makeRoom(neededBytes: number): Promise<boolean> {
    const limit = this.#limits.maxBytes - this.#limits.reserveBytes;
    const isFull = () => this.#bytes() + neededBytes + this.#store.overheadBytes > limit;
    if (!isFull()) return true;
    await this.#free();
    while (isFull()) {
      if (this.#options.whenFull === 'drop-newest') return false;
      if (!(await this.#dropOldest('overflow'))) return true;
    }
    return true;
  }

  async #expire(): Promise<void> {
    const { maxAgeMs } = this.#options;
    const nowMs = this.#nowMs();
    const newest = this.#store.segments.at(-1);
    const isOld = newest?.head !== undefined && newest.head.createdMs < nowMs - maxAgeMs / 16;
    if (isOld && !this.#store.isFresh) await this.#store.rotate();
    for (;;) {
      const next = this.#store.segments[1];
      if (next?.head === undefined || next.head.createdMs >= nowMs - maxAgeMs) return;
      await this.#free();
      if (this.#store.segments[1] !== next) continue;
      if (!(await this.#dropOldest('expired'))) return;
    }
  }

  /** False when there is nothing left to drop. */
  async #dropOldest(reason: string): Promise<boolean> {
    if (this.#store.segments.length < 2) {
      if (this.#store.isFresh) return false;
      await this.#store.rotate();
    }
    const [oldest, next] = this.#store.segments;
    if (oldest === undefined || next === undefined) return false;
    const audit = await this.#audit(oldest, reason);
    const dropped = audit.dropped.take();
    const damaged = this.#declared.get(oldest.first) === audit.fingerprint ? [] : audit.damaged.take();
    await this.#commitGaps([...dropped, ...damaged]);
    const messages = dropped.reduce((sum, loss) => sum + loss.messages, 0);
    this.#counters.add(reason === 'expired' ? 'expired_messages' : 'dropped_messages', messages);
    for (const [hub, reader] of this.#readers) {
      reader.advance({ offset: next.first - 1, messages: next.head?.totals[hub] ?? reader.cursor.messages });
    }
    this.#cursorsChanged = true;
    this.#options.onEvent({ level: 'warn', event: 'segment dropped', fields: { reason, messages, bytes: oldest.bytes } });
    await this.#saveCursors();
    await this.#remove(oldest);
    return true;
  }

  async #remove(segment: Segment): Promise<void> {
    await this.#store.remove(segment);
    this.#suspects.delete(segment);
    if (this.#declared.delete(segment.first)) this.#cursorsChanged = true;
  }

  async #audit(segment: Segment, dropReason: string | undefined): Promise<Audit> {
    const { fileSystem, quarantine } = this.#parts;
    const next = this.#store.segments[this.#store.segments.indexOf(segment) + 1];
    const epoch = segment.head?.epoch;
    const read = (each: Segment) => readSequences(fileSystem, each).catch(() => undefined);
    const after = async () => {
      if (next === undefined) return epoch === this.#store.epoch ? this.#store.table.sequences() : undefined;
      return next.head?.epoch === epoch ? read(next) : undefined;
    };
    return auditSegment({
      ...{ fileSystem, segment, dropReason, nowMs: this.#nowMs() },
      endOffset: this.#store.endOffset(segment),
      passed: this.#suspects.get(segment) ?? new Map(),
      before: await read(segment),
      after: await after(),
      cursors: new Map([...this.#readers].map(([hub, reader]) => [hub, reader.cursor.offset])),
      epoch: epoch === this.#store.epoch ? undefined : epoch,
      onDamage: async (from, to) => {
        this.#counters.add('corrupt_records', 1);
        await quarantine.keep(segment.path, from, to);
        this.#options.onEvent({ level: 'error', event: 'record quarantined', fields: { path: segment.path, from, to } });
      },
    });
  }

  /** Once for each kind of damage: a fingerprint that is known was declared before. */
  async #examine(segment: Segment): Promise<void> {
    if (!this.#store.segments.includes(segment)) {
      this.#suspects.delete(segment);
      return;
    }
    const audit = await this.#audit(segment, undefined);
    if (audit.fingerprint !== 0 && this.#declared.get(segment.first) !== audit.fingerprint) {
      const damaged = audit.damaged.take();
      await this.#commitGaps(damaged);
      this.#counters.add(
        'damaged_messages',
        damaged.reduce((sum, loss) => sum + loss.messages, 0),
      );
      this.#declared.set(segment.first, audit.fingerprint);
      this.#cursorsChanged = true;
    }
    this.#suspects.delete(segment);
  }

  async #saveCursors(): Promise<void> {
    if (!this.#cursorsChanged) return;
    this.#cursorsChanged = false;
    const cursors = Object.fromEntries([...this.#readers].map(([hub, reader]) => [hub, reader.cursor]));
    const declared = Object.fromEntries(this.#declared);
    try {
      await this.#parts.cursorFile.write({ cursors, nextOffset: this.#store.nextOffset, declared });
    } catch (error) {
      this.#cursorsChanged = true;
      throw error;
    }
  }

  /** Deletes the oldest segments in which nothing waits for anybody. */
  async #free(): Promise<void> {
    for (;;) {
      const [oldest, next] = this.#store.segments;
      if (oldest === undefined || next === undefined || this.#suspects.has(oldest)) return;
      if (![...this.#readers].every(([hub, reader]) => isThrough(hub, reader, oldest, next))) return;
      for (const [hub, reader] of this.#readers) this.#passBy(hub, reader, next);
      await this.#saveCursors();
      await this.#remove(oldest);
      this.#counters.add('freed_segments', 1);
    }
  }

  #passBy(hub: string, reader: HubReader, next: Segment): void {
    if (reader.cursor.offset >= next.first - 1) return;
    reader.advance({ offset: next.first - 1, messages: next.head?.totals[hub] ?? 0 });
    this.#cursorsChanged = true;
  }

  #view(): LogView {
    const store = this.#store;
    const turns = this.#turns;
    return {
      fileSystem: this.#parts.fileSystem,
      segments: store.segments,
      endOffset: (segment) => store.endOffset(segment),
      get version() {
        return turns.version;
      },
      changed: (seen, signal) => turns.changed(seen, signal),
      pause: (ms, signal) => turns.pause(ms, signal),
      onAcknowledged: () => {
        this.#cursorsChanged = true;
        this.#loop.schedule(this.#commitWindowMs);
      },
      onDamage: (segment, hub, offset) => this.#suspect(segment, hub, offset),
      onUnreadable: (segment, hub, offset, error) => {
        this.#counters.add('read_errors', 1);
        this.#options.onEvent({
          level: 'error',
          event: 'segment unreadable',
          fields: { path: segment.path, error: String(error) },
        });
        this.#suspect(segment, hub, offset);
      },
      reject: (hub, stored, reason) => this.#reject(hub, stored, reason),
    };
  }

  #suspect(segment: Segment, hub: string, offset: number): void {
    const noticed = this.#suspects.get(segment) ?? new Map<string, number>();
    this.#suspects.set(segment, noticed);
    if (!noticed.has(hub)) noticed.set(hub, offset);
    this.#loop.schedule(this.#commitWindowMs);
  }

  #reject(hub: string, { message, sequence, epoch }: Stored, reason: string): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(this.#closedError());
    const { twin, from: fromTimeMs, to: toTimeMs, readings } = factsOf(message);
    const loss: Loss = {
      ...{ twin, hub, reason, fromTimeMs, toTimeMs, readings, messages: 1 },
      ...{ fromSequence: sequence, toSequence: sequence, points: Object.keys(message.values) },
      ...(epoch === this.#store.epoch ? {} : { epoch }),
    };
    this.#counters.add('rejected_messages', 1);
    return new Promise((resolve, reject) => {
      const settle = (error?: GatewayError) => (error === undefined ? resolve() : reject(error));
      this.#queue.push({ ...toWaiting(loss), settle });
      this.#loop.schedule(this.#commitWindowMs);
    });
  }

  #tellFailure(error: unknown): void {
    this.#counters.add('write_errors', 1);
    this.#options.onEvent({ level: 'error', event: 'disk failed', fields: { code: 'SPOOL_WRITE', error: String(error) } });
  }

  #closedError(): GatewayError {
    return new GatewayError('SPOOL_WRITE', this.#options.directory, 'the spool is closed');
  }

  async #close(): Promise<void> {
    this.#cursorsChanged = true;
    await this.#loop.finish();
    this.#turns.close();
    for (const reader of this.#readers.values()) await reader.close();
    if (this.#queue.length > 0) {
      const fields = { messages: this.#queue.length };
      this.#options.onEvent({ level: 'error', event: 'messages lost at close', fields });
    }
    for (const { settle } of this.#queue.take(Number.POSITIVE_INFINITY)) settle(this.#closedError());
    await this.#store.close();
    await this.#parts.cursorFile.close();
    await this.#parts.release();
  }
}

/** All acknowledged; or nothing of it was for this hub, which the counts prove within one epoch. */
function isThrough(hub: string, { cursor }: HubReader, oldest: Segment, next: Segment): boolean {
  if (cursor.offset >= next.first - 1) return true;
  if (next.head === undefined || next.head.epoch !== oldest.head?.epoch) return false;
  return cursor.messages >= (next.head.totals[hub] ?? 0);
}

function toWaiting(loss: Loss): Waiting {
  const message = gapMessage(loss);
  const facts = { ...factsOf(message), to: loss.toTimeMs };
  return { facts, hubs: [loss.hub], body: encodeMessage(message), settle: () => {} };
}
