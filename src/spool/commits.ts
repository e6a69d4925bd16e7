import { sizeOfAll, type Waiting } from './append-queue.ts';
import { statementOf } from './gap-statement.ts';
import type { LogParts } from './log-parts.ts';
import type { LogWriter } from './log-writer.ts';
import type { Retention } from './retention.ts';

/** Waiting messages above this are committed without waiting for the commit window. */
export const COMMIT_BYTES = 256 * 1024;
const CHUNK_BYTES = 2 ** 20;
const DECLARE_EVERY_MS = 10_000;

/** Takes what waits in memory to the disk: room first, then one write with the gap records that are due. */
export class Commits {
  readonly #parts: LogParts;
  readonly #writer: LogWriter;
  readonly #retention: Retention;
  #declaredMs = Number.NEGATIVE_INFINITY;
  #isBlocked = false;

  constructor(parts: LogParts, writer: LogWriter, retention: Retention) {
    this.#parts = parts;
    this.#writer = writer;
    this.#retention = retention;
  }

  /** Messages wait that were to be written and had no room. */
  get isBlocked(): boolean {
    return this.#isBlocked && this.#parts.intake.queue.length > 0;
  }

  /** The next chunk, or all when the spool is closing; nothing that has to wait until there is room. */
  async run(isClosing: () => boolean): Promise<'done' | 'blocked'> {
    const { queue } = this.#parts.intake;
    do {
      this.#isBlocked = !(await this.#commitChunk(isClosing()));
    } while (!this.#isBlocked && (queue.bytes >= COMMIT_BYTES || (isClosing() && queue.length > 0)));
    return this.#isBlocked ? 'blocked' : 'done';
  }

  /** False when messages have to wait until there is room. */
  async #commitChunk(isClosing: boolean): Promise<boolean> {
    const { intake, limits, options } = this.#parts;
    let entries = intake.queue.take(Math.min(CHUNK_BYTES, limits.segmentBytes));
    try {
      const hasRoom = await this.#retention.makeRoom(sizeOfAll(entries));
      // There is no later for who is closing.
      const isBlocked = !hasRoom && options.whenFull === 'block' && !isClosing;
      if (isBlocked) entries = this.#postponeMessages(entries);
      else if (!hasRoom) entries = this.#refuseMessages(entries);
      // One gap record for each twin at a close, however much is refused, over the bound if need be.
      await this.#commit(entries, isClosing ? intake.queue.length === 0 : hasRoom || this.#mayDeclare());
      return !isBlocked;
    } catch (error) {
      intake.queue.putBack(entries);
      intake.shed();
      throw error;
    } finally {
      intake.settleDropped();
    }
  }

  /** Full, and the newest are to be dropped: statements only. */
  #refuseMessages(entries: readonly Waiting[]): readonly Waiting[] {
    for (const entry of entries) if (entry.gap === undefined) this.#parts.intake.drop(entry);
    return entries.filter(({ gap }) => gap !== undefined);
  }

  /** Full, and messages are to wait: they go back to where they were. */
  #postponeMessages(entries: readonly Waiting[]): readonly Waiting[] {
    this.#parts.intake.queue.putBack(entries.filter(({ gap }) => gap === undefined));
    return entries.filter(({ gap }) => gap !== undefined);
  }

  /** Into the reserve, and not too often: a full spool must not fill itself with gap records. */
  #mayDeclare(): boolean {
    const { store, limits, intake, runningTime } = this.#parts;
    const isDue = runningTime.nowMs() - this.#declaredMs >= DECLARE_EVERY_MS;
    return isDue && this.#retention.bytes + store.overheadBytes + intake.losses.bytes <= limits.maxBytes;
  }

  async #commit(entries: readonly Waiting[], withGaps: boolean): Promise<void> {
    const { losses } = this.#parts.intake;
    const taken = withGaps ? losses.take() : [];
    try {
      await this.#writer.write([...taken.map(statementOf), ...entries]);
    } catch (error) {
      for (const loss of taken) losses.add(loss);
      throw error;
    }
    if (taken.length > 0) this.#declaredMs = this.#parts.runningTime.nowMs();
    for (const { settle } of entries) settle();
  }
}
