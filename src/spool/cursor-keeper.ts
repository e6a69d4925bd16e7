import type { LogParts } from './log-parts.ts';
import type { Segment } from './segment.ts';

/** Writes the cursors when one moved, and when a segment began, so that a newest segment that vanishes is noticed. */
export class CursorKeeper {
  /** First offset of a damaged segment → fingerprint of the losses already declared. */
  readonly declared: Map<number, number>;
  readonly #parts: LogParts;
  #hasChanged = true;
  #newestFirst: number | undefined;

  constructor(parts: LogParts) {
    this.#parts = parts;
    const declared = Object.entries(parts.cursors?.declared ?? {});
    this.declared = new Map(declared.map(([first, fingerprint]) => [Number(first), fingerprint]));
  }

  touch(): void {
    this.#hasChanged = true;
  }

  /** Nothing before `next` is waited for by anybody. */
  goBeyond(next: Segment): void {
    for (const [hub, reader] of this.#parts.readers) {
      if (reader.cursor.offset >= next.first - 1) continue;
      reader.advance({ offset: next.first - 1, messages: next.head?.totals[hub] ?? reader.cursor.messages });
      this.touch();
    }
  }

  /** Durable when it resolves. */
  async save(): Promise<void> {
    const { readers, store, cursorFile, runningTime } = this.#parts;
    const newestFirst = store.segments.at(-1)?.first;
    if (!this.#hasChanged && newestFirst === this.#newestFirst) return;
    this.#hasChanged = false;
    const cursors = Object.fromEntries([...readers].map(([hub, reader]) => [hub, reader.cursor]));
    const declared = Object.fromEntries(this.declared);
    try {
      await cursorFile.write({ cursors, nextOffset: store.nextOffset, declared, runMs: runningTime.nowMs() });
      this.#newestFirst = newestFirst;
    } catch (error) {
      this.#hasChanged = true;
      throw error;
    }
  }
}
