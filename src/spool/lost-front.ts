import { countAhead } from './acknowledged.ts';
import type { CursorKeeper } from './cursor-keeper.ts';
import type { LogParts } from './log-parts.ts';
import type { LogWriter } from './log-writer.ts';
import type { Loss } from './loss-ledger.ts';
import { readSequences, type Segment } from './segment.ts';

/**
 * The oldest segments were deleted by somebody else before every hub had acknowledged them. How many messages that were is
 * known; of each twin only the number where the loss ends, so its statement says `messages` 0 unless there is one twin only.
 */
export class LostFront {
  readonly #parts: LogParts;
  readonly #writer: LogWriter;
  readonly #keeper: CursorKeeper;
  readonly #lost = new Map<string, number>();
  readonly #first: Segment | undefined;

  constructor(parts: LogParts, writer: LogWriter, keeper: CursorKeeper) {
    this.#parts = parts;
    this.#writer = writer;
    this.#keeper = keeper;
    const first = parts.store.segments[0];
    this.#first = first;
    if (first?.head === undefined) return;
    for (const [hub, { cursor }] of parts.readers) {
      const end = { offset: first.first - 1, messages: first.head.totals[hub] ?? 0 };
      const messages = end.messages - cursor.messages - countAhead(cursor, end);
      if (cursor.offset < first.first - 1 && messages > 0) this.#lost.set(hub, messages);
    }
  }

  /** No cursor goes on before the losses of every hub are declared: that of one moves those of all. */
  async declare(): Promise<void> {
    if (this.#first === undefined || this.#lost.size === 0) return;
    for (const [hub, messages] of this.#lost) {
      await this.#writer.state(await this.#lossesOf(hub, messages, this.#first));
      this.#parts.counters.add('damaged_messages', messages);
      this.#lost.delete(hub);
    }
    this.#keeper.goBeyond(this.#first);
  }

  async #lossesOf(hub: string, messages: number, first: Segment): Promise<readonly Loss[]> {
    const { fileSystem, nowMs, store } = this.#parts;
    const sequences = await readSequences(fileSystem, first).catch(() => undefined);
    const twins = Object.entries(sequences?.[hub] ?? {});
    const timeMs = first.head?.createdMs ?? nowMs();
    const epoch = first.head?.epoch;
    return twins.map(([twin, toSequence]) => ({
      ...{ twin, hub, reason: 'damaged', toSequence, fromTimeMs: timeMs, toTimeMs: timeMs, readings: 0 },
      messages: twins.length === 1 ? messages : 0,
      ...(epoch === undefined || epoch === store.epoch ? {} : { epoch }),
    }));
  }
}
