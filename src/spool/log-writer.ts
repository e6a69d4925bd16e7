import { encodeCommit, type Waiting } from './append-queue.ts';
import type { Frame } from './frame.ts';
import { statementOf } from './gap-statement.ts';
import type { LogParts } from './log-parts.ts';
import type { Loss } from './loss-ledger.ts';

/** Writes at the end of the log; what was written is durable, and readers are told, when it resolves. */
export class LogWriter {
  readonly #parts: LogParts;

  constructor(parts: LogParts) {
    this.#parts = parts;
  }

  async write(entries: readonly Waiting[]): Promise<void> {
    if (entries.length === 0) return;
    const { store, counters, nowMs, turns, gapCopies } = this.#parts;
    const { table, epoch } = store;
    const atMs = nowMs();
    let frames: readonly Frame[] = [];
    const bytes = await store.append((firstOffset) => {
      frames = encodeCommit(entries, { firstOffset, epoch, table, nowMs: atMs });
      return frames;
    });
    const gaps = frames.filter((_, index) => entries[index]?.gap !== undefined);
    gapCopies.add(gaps);
    counters.add('commits', 1);
    counters.add('committed_bytes', bytes);
    counters.add('gap_messages', gaps.length);
    turns.next();
  }

  /** Declares losses, each in a gap record. */
  state(losses: readonly Loss[]): Promise<void> {
    return this.write(losses.map(statementOf));
  }
}
