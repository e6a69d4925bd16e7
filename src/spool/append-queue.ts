import type { GatewayError } from '../model/error.ts';
import type { Gap } from '../model/twin-message.ts';
import { FRAME_HEADER_BYTES, type Frame } from './frame.ts';
import { encodeHead, type MessageFacts, type MessageHead } from './message-record.ts';
import type { SequenceTable } from './sequence-table.ts';

/** A message in memory, on its way to the disk. */
export interface Waiting {
  readonly facts: MessageFacts;
  readonly hubs: readonly string[];
  readonly body: Buffer;
  /** What a gap record states; made again when the record itself is dropped. */
  readonly gap?: Gap;
  /** Called once, when it is on disk, or dropped and declared; with an error when it is neither. */
  readonly settle: (error?: GatewayError) => void;
}

const HEAD_ESTIMATE_BYTES = 90;

/** First in, first out, counted in bytes. */
export class AppendQueue {
  #entries: Waiting[] = [];
  #bytes = 0;

  get length(): number {
    return this.#entries.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(entry: Waiting): void {
    this.#entries.push(entry);
    this.#bytes += sizeOf(entry);
  }

  /** The oldest, at least one, about `maxBytes` at most. */
  take(maxBytes: number): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    while (count < this.#entries.length && (count === 0 || bytes < maxBytes)) {
      bytes += sizeOf(this.#entries[count]);
      count += 1;
    }
    this.#bytes -= bytes;
    return this.#entries.splice(0, count);
  }

  putBack(entries: readonly Waiting[]): void {
    this.#entries = [...entries, ...this.#entries];
    this.#bytes += sizeOfAll(entries);
  }

  takeNewest(): Waiting | undefined {
    const entry = this.#entries.pop();
    this.#bytes -= sizeOf(entry);
    return entry;
  }
}

/** About what it takes on disk. */
export function sizeOfAll(entries: readonly Waiting[]): number {
  return entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
}

function sizeOf(entry: Waiting | undefined): number {
  if (entry === undefined) return 0;
  const hubBytes = entry.hubs.reduce((sum, hub) => sum + hub.length + 12, 0);
  return FRAME_HEADER_BYTES + HEAD_ESTIMATE_BYTES + hubBytes + entry.facts.twin.length + entry.body.length;
}

/** The frames of one commit; takes the sequence numbers. */
export function encodeCommit(
  entries: readonly Waiting[],
  commit: { readonly firstOffset: number; readonly epoch: string; readonly table: SequenceTable; readonly nowMs: number },
): readonly Frame[] {
  return entries.map(({ facts, hubs, body }, index) => {
    const numbers = hubs.map((hub) => [hub, commit.table.take(hub, facts.twin)]);
    const head: MessageHead = { at: commit.nowMs, ...facts, hubs: Object.fromEntries(numbers) };
    const offset = commit.firstOffset + index;
    return { kind: 'message', offset, index, epoch: commit.epoch, head: encodeHead(head), body };
  });
}
