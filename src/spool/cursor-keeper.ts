import { countAhead } from './acknowledged.ts';
import type { LogParts } from './log-parts.ts';
import type { Segment } from './segment.ts';

/** What is acknowledged and not saved yet comes a second time after a kill, beside what is under way. Looked at once a commit window. */
const MAX_UNSAVED_MESSAGES = 32;
const MAX_UNSAVED_MS = 1_000;
const EVERYTHING = { offset: Number.POSITIVE_INFINITY, messages: Number.POSITIVE_INFINITY };

/**
 * Writes the cursors when one moved, and when a segment began, so that a newest segment that vanishes is noticed. Each time costs
 * a page of flash, as much as the commit of a few messages: acknowledgements are saved some at a time.
 */
export class CursorKeeper {
  /** First offset of a damaged segment → fingerprint of the losses already declared. */
  readonly declared: Map<number, number>;
  readonly #parts: LogParts;
  #hasChanged = true;
  #newestFirst: number | undefined;
  /** When the first of what is acknowledged and not saved was. */
  #unsavedSinceMs: number | undefined;
  #savedMessages = 0;

  constructor(parts: LogParts) {
    this.#parts = parts;
    const declared = Object.entries(parts.cursors?.declared ?? {});
    this.declared = new Map(declared.map(([first, fingerprint]) => [Number(first), fingerprint]));
  }

  touch(): void {
    this.#hasChanged = true;
  }

  /** To be called when a hub has acknowledged something. */
  acknowledged(): void {
    this.#unsavedSinceMs ??= performance.now();
  }

  /** Until acknowledgements have to be saved; `undefined`: all are. */
  get dueInMs(): number | undefined {
    if (this.#unsavedSinceMs === undefined) return undefined;
    return Math.max(0, this.#unsavedSinceMs + MAX_UNSAVED_MS - performance.now());
  }

  /** Nothing before `next` is waited for by anybody. */
  goBeyond(next: Segment): void {
    for (const [hub, reader] of this.#parts.readers) {
      if (reader.cursor.offset >= next.first - 1) continue;
      reader.advance({ offset: next.first - 1, messages: next.head?.totals[hub] ?? reader.cursor.messages });
      this.touch();
    }
  }

  /** What has to be durable by now is when it resolves. */
  async saveDue(): Promise<void> {
    const isDue = this.dueInMs === 0 || this.#acknowledgedMessages() - this.#savedMessages >= MAX_UNSAVED_MESSAGES;
    if (isDue || this.#hasChanged || this.#hasNewSegment()) await this.save();
  }

  /** Durable when it resolves. */
  async save(): Promise<void> {
    if (!this.#hasChanged && this.#unsavedSinceMs === undefined && !this.#hasNewSegment()) return;
    const { readers, store, cursorFile, runningTime } = this.#parts;
    const newestFirst = store.segments.at(-1)?.first;
    const unsavedSinceMs = this.#unsavedSinceMs;
    this.#hasChanged = false;
    this.#unsavedSinceMs = undefined;
    const cursors = Object.fromEntries([...readers].map(([hub, reader]) => [hub, reader.cursor]));
    const savedMessages = this.#acknowledgedMessages();
    const declared = Object.fromEntries(this.declared);
    try {
      await cursorFile.write({ cursors, nextOffset: store.nextOffset, declared, runMs: runningTime.nowMs() });
      this.#newestFirst = newestFirst;
      this.#savedMessages = savedMessages;
    } catch (error) {
      this.#hasChanged = true;
      this.#unsavedSinceMs ??= unsavedSinceMs;
      throw error;
    }
  }

  #hasNewSegment(): boolean {
    return this.#parts.store.segments.at(-1)?.first !== this.#newestFirst;
  }

  /** By all hubs together. */
  #acknowledgedMessages(): number {
    const cursors = [...this.#parts.readers.values()].map(({ cursor }) => cursor);
    return cursors.reduce((sum, cursor) => sum + cursor.messages + countAhead(cursor, EVERYTHING), 0);
  }
}
