import { ERRORS, GatewayError } from '../model/error.ts';
import type { Gap, Stored } from '../model/twin-message.ts';
import { isWaitedFor } from './acknowledged.ts';
import type { ClassLog, ClassReader } from './class-log.ts';
import { COMMIT_BYTES, Commits } from './commits.ts';
import { CursorKeeper } from './cursor-keeper.ts';
import { DamageWatch } from './damage-watch.ts';
import type { Frame } from './frame.ts';
import { createReaders } from './hub-readers.ts';
import type { LogParts, OpenedLog } from './log-parts.ts';
import { LogWriter } from './log-writer.ts';
import { LostFront } from './lost-front.ts';
import { factsOf } from './message-record.ts';
import { Retention } from './retention.ts';
import type { ClassStatus, Draft } from './spool.ts';
import { statusOf } from './spool-status.ts';
import { WorkLoop } from './work-loop.ts';

const DEFAULT_COMMIT_WINDOW_MS = 100;

/**
 * The log of one class: what is appended waits in memory for its commit, a commit is one write and one fdatasync at the end of the log,
 * each hub reads the log at its own pace, and what every hub has acknowledged is deleted, a segment at a time.
 *
 * Order that keeps the promises, each step durable before the next:
 * - a message is committed → `append` resolves, readers see it;
 * - a cursor is written → the segments below it are deleted;
 * - a gap record is committed → the cursors go beyond what it declares → that segment is deleted. After a crash in between
 *   the gap may be declared again: at the receiver, a message that did arrive wins.
 * Everything that writes runs in one loop, one piece of work at a time.
 */
export class LogSpool implements ClassLog {
  readonly #parts: LogParts;
  readonly #keeper: CursorKeeper;
  readonly #damage: DamageWatch;
  readonly #lostFront: LostFront;
  readonly #retention: Retention;
  readonly #commits: Commits;
  readonly #loop: WorkLoop;
  readonly #commitWindowMs: number;
  #closing: Promise<void> | undefined;

  constructor(log: OpenedLog) {
    const { options } = log;
    this.#commitWindowMs = options.commitWindowMs ?? DEFAULT_COMMIT_WINDOW_MS;
    const readers = createReaders(log, {
      onAcknowledged: () => this.#onAcknowledged(),
      onSuspect: (segment, hub, offset) => {
        this.#damage.suspect(segment, hub, offset);
        this.#loop.schedule(this.#commitWindowMs);
      },
      onReject: (hub, stored, reason) => this.#reject(hub, stored, reason),
    });
    this.#parts = { ...log, readers, nowMs: options.nowMs ?? Date.now };
    const writer = new LogWriter(this.#parts);
    this.#keeper = new CursorKeeper(this.#parts);
    this.#damage = new DamageWatch(this.#parts, writer, this.#keeper);
    this.#lostFront = new LostFront(this.#parts, writer, this.#keeper);
    this.#retention = new Retention(this.#parts, writer, this.#keeper, this.#damage);
    this.#commits = new Commits(this.#parts, writer, this.#retention);
    this.#loop = new WorkLoop({
      work: () => this.#work(),
      idleMs: Math.max(100, Math.min(60_000, options.maxAgeMs / 16)),
      onFailure: (error) => this.#tellFailure(error),
      onHealed: () => options.onEvent({ level: 'info', event: 'disk recovered', fields: {} }),
    });
    this.#loop.schedule(this.#commitWindowMs);
  }

  get lastCommitMs(): number | undefined {
    return this.#parts.lastCommitMs;
  }

  append(drafts: readonly Draft[]): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(this.#closedError());
    const appended = this.#parts.intake.append(drafts);
    this.#scheduleCommit();
    return appended;
  }

  reader(hub: string): ClassReader {
    const reader = this.#parts.readers.get(hub);
    if (reader === undefined) throw new GatewayError('BUG', hub, 'the spool was not told of this hub');
    return reader;
  }

  status(): ClassStatus {
    return statusOf(this.#parts, { bytes: this.#retention.bytes, isBlocked: this.#commits.isBlocked, error: this.#loop.error });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #work(): Promise<void> {
    let nextMs = this.#commitWindowMs;
    try {
      if ((await this.#write()) === 'blocked') nextMs = Math.max(nextMs, DEFAULT_COMMIT_WINDOW_MS);
    } finally {
      // On a full disk this is what makes room again.
      await this.#keeper.saveDue();
      await this.#retention.free();
      await this.#parts.gapCopies.save((record) => this.#isWaitedFor(record));
    }
    if (this.#parts.intake.queue.length > 0) this.#loop.schedule(nextMs);
    const { dueInMs } = this.#keeper;
    if (dueInMs !== undefined) this.#loop.schedule(dueInMs);
  }

  async #write(): Promise<'done' | 'blocked'> {
    const { store, intake } = this.#parts;
    try {
      if (!store.isOpen) await store.rotate();
      await this.#lostFront.declare();
      await this.#damage.examineAll();
      await this.#retention.expire();
      return await this.#commits.run(() => this.#closing !== undefined);
    } finally {
      intake.settleDropped();
    }
  }

  #isWaitedFor(record: Frame): boolean {
    return [...this.#parts.readers.values()].some(({ cursor }) => isWaitedFor(record, cursor));
  }

  #scheduleCommit(): void {
    this.#loop.schedule(this.#parts.intake.queue.bytes >= COMMIT_BYTES ? 0 : this.#commitWindowMs);
  }

  #onAcknowledged(): void {
    this.#keeper.acknowledged();
    this.#loop.schedule(this.#commitWindowMs);
  }

  #reject(hub: string, { message, sequence, epoch }: Stored, reason: string): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(this.#closedError());
    const { twin, from: fromTimeMs, to: toTimeMs, readings } = factsOf(message);
    const gap: Gap = {
      ...{ reason, fromSequence: sequence, toSequence: sequence, fromTimeMs, toTimeMs, messages: 1, readings },
      ...{ points: Object.keys(message.values) },
      ...(epoch === this.#parts.store.epoch ? {} : { epoch }),
    };
    this.#parts.counters.add('rejected_messages', 1);
    const stated = this.#parts.intake.state(twin, gap, [hub]);
    this.#scheduleCommit();
    return stated;
  }

  #tellFailure(error: unknown): void {
    this.#parts.counters.add('write_errors', 1);
    const fields = { code: 'SPOOL_WRITE', error: String(error), action: ERRORS.SPOOL_WRITE.action };
    this.#parts.options.onEvent({ level: 'error', event: 'disk failed', fields });
  }

  #closedError(): GatewayError {
    return new GatewayError('SPOOL_WRITE', this.#parts.options.directory, 'the spool is closed');
  }

  async #close(): Promise<void> {
    const { options, readers, intake, store, cursorFile, gapCopies, turns } = this.#parts;
    this.#keeper.touch();
    await this.#loop.finish();
    turns.close();
    for (const reader of readers.values()) await reader.close();
    const messages = intake.close(this.#closedError());
    if (messages > 0) options.onEvent({ level: 'error', event: 'messages lost at close', fields: { messages } });
    await store.close();
    await cursorFile.close();
    await gapCopies.close();
  }
}
