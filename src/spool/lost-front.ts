import { countAhead } from './acknowledged.ts';
import type { CursorKeeper } from './cursor-keeper.ts';
import { lossesToldBy } from './gap-statement.ts';
import type { LogParts } from './log-parts.ts';
import type { LogWriter } from './log-writer.ts';
import type { Loss } from './loss-ledger.ts';
import { readSequences, type Segment } from './segment.ts';

/**
 * The oldest segments, or all, were deleted by somebody else before every hub had acknowledged them. How many messages that were is
 * known; of each twin only the number where the loss ends, so its statement says `messages` 0 unless there is one twin only. What
 * gap records among them told is told again.
 */
export class LostFront {
  readonly #parts: LogParts;
  readonly #writer: LogWriter;
  readonly #keeper: CursorKeeper;
  readonly #lost = new Map<string, number>();
  #isPending: boolean;

  constructor(parts: LogParts, writer: LogWriter, keeper: CursorKeeper) {
    this.#parts = parts;
    this.#writer = writer;
    this.#keeper = keeper;
    const first = parts.store.segments[0];
    if (first?.head !== undefined) this.#count(first, first.head.totals);
    this.#isPending = first === undefined || this.#lost.size > 0;
  }

  /** At once for all hubs: where the cursor of one goes on, those of all do. */
  async declare(): Promise<void> {
    const first = this.#parts.store.segments[0];
    if (!this.#isPending || first === undefined) return;
    const losses = await this.#toldBefore(first);
    for (const [hub, messages] of this.#lost) losses.push(...(await this.#lossesOf(hub, messages, first)));
    await this.#writer.state(losses);
    for (const messages of this.#lost.values()) this.#parts.counters.add('damaged_messages', messages);
    this.#isPending = false;
    this.#keeper.goBeyond(first);
  }

  #count(first: Segment, totals: Readonly<Record<string, number>>): void {
    for (const [hub, { cursor }] of this.#parts.readers) {
      const end = { offset: first.first - 1, messages: totals[hub] ?? 0 };
      const messages = end.messages - cursor.messages - countAhead(cursor, end);
      if (cursor.offset < first.first - 1 && messages > 0) this.#lost.set(hub, messages);
    }
  }

  async #toldBefore(first: Segment): Promise<Loss[]> {
    const { gapCopies, readers, store } = this.#parts;
    const losses: Loss[] = [];
    for await (const copies of gapCopies.read()) {
      const lost = copies.filter(({ offset }) => offset < first.first);
      losses.push(...lost.flatMap((copy) => lossesToldBy(copy, (hub) => readers.get(hub)?.cursor, store.epoch)));
    }
    return losses;
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
