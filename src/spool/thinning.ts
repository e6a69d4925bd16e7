import { isWaitedFor } from './acknowledged.ts';
import type { DamageWatch } from './damage-watch.ts';
import type { Frame } from './frame.ts';
import type { LogParts } from './log-parts.ts';
import type { LogWriter } from './log-writer.ts';
import { LossLedger } from './loss-ledger.ts';
import { decodeHead, type MessageHead } from './message-record.ts';
import { replacementPath } from './replacement.ts';
import type { Segment } from './segment.ts';
import { writeThinned } from './thinned-segment.ts';

/** As often as this may one of n be kept of one of n: then the oldest go. */
const MAX_PASSES = 16;
/** A pass that gives back less than this part of a segment is not worth what it writes. */
const WORTH = 1 / 5;
const NOTHING = Buffer.alloc(0);

/**
 * Makes room by keeping one of n messages of each twin of a segment: of the one that was thinned the fewest times, the oldest of
 * those. What goes keeps its head, without a body, so that numbers and offsets stay as they were, and readers pass over it. Gap
 * records stay, and so does a segment in which a hub reads: what is on its way arrives. Order: the new file beside the old one, gap records, then its name. After a crash in between what was declared
 * may arrive all the same.
 */
export class Thinning {
  readonly #parts: LogParts;
  readonly #writer: LogWriter;
  readonly #damage: DamageWatch;
  /** Gave back too little when last tried. */
  readonly #exhausted = new WeakSet<Segment>();

  constructor(parts: LogParts, writer: LogWriter, damage: DamageWatch) {
    this.#parts = parts;
    this.#writer = writer;
    this.#damage = damage;
  }

  /** One segment; false when there is none that it is worth. */
  async thinOne(): Promise<boolean> {
    for (let segment = this.#next(); segment !== undefined; segment = this.#next()) {
      const outcome = await this.#thin(segment);
      if (outcome !== 'read meanwhile') return outcome === 'thinned';
    }
    return false;
  }

  async #thin(segment: Segment): Promise<'thinned' | 'not worth it' | 'read meanwhile'> {
    const { fileSystem, codec, store, counters, options } = this.#parts;
    const pass = new Pass(this.#parts, segment);
    const endOffset = store.endOffset(segment);
    const thinned = await writeThinned({ fileSystem, codec, segment, endOffset, change: (message) => pass.take(message) });
    const isWorth = thinned !== undefined && segment.bytes - thinned.bytes >= segment.bytes * WORTH;
    if (!isWorth) this.#exhausted.add(segment);
    if (!isWorth || this.#isRead(segment)) {
      if (thinned !== undefined) await fileSystem.remove(replacementPath(segment.path));
      return isWorth ? 'read meanwhile' : 'not worth it';
    }
    await this.#writer.state(pass.losses.take());
    await store.replace(segment, thinned);
    counters.add('thinned_messages', pass.messages);
    const fields = { messages: pass.messages, bytes: segment.bytes - thinned.bytes };
    options.onEvent({ level: 'warn', event: 'segment thinned', fields });
    return 'thinned';
  }

  #isRead(segment: Segment): boolean {
    return [...this.#parts.readers.values()].some((reader) => reader.isIn(segment));
  }

  #next(): Segment | undefined {
    let best: Segment | undefined;
    for (const segment of this.#parts.store.segments.slice(0, -1)) {
      if (this.#exhausted.has(segment) || this.#damage.isSuspect(segment) || passesOf(segment) >= MAX_PASSES) continue;
      if (this.#isRead(segment)) continue;
      if (best === undefined || passesOf(segment) < passesOf(best)) best = segment;
    }
    return best;
  }
}

function passesOf({ head }: Segment): number {
  return head === undefined ? MAX_PASSES : (head.thinned?.passes ?? 0);
}

/** Decides message by message which one goes. */
class Pass {
  /** One range for each twin and hub: what of it is kept comes before the gap record. */
  readonly losses = new LossLedger(() => true);
  readonly #parts: LogParts;
  readonly #epoch: { readonly epoch?: string };
  readonly #counts = new Map<string, number>();
  messages = 0;

  constructor(parts: LogParts, { head }: Segment) {
    this.#parts = parts;
    this.#epoch = head === undefined || head.epoch === parts.store.epoch ? {} : { epoch: head.epoch };
  }

  take(message: Frame): Frame {
    const head = decodeHead(message);
    if (head === undefined || head.kind === 'gap' || message.body.length === 0) return message;
    const { readers } = this.#parts;
    const waiting = Object.keys(head.hubs).filter((hub) => isWaitedFor(message, readers.get(hub)?.cursor));
    if (waiting.length > 0 && this.#isKept(head)) return message;
    for (const hub of waiting) this.#lose(hub, head);
    if (waiting.length > 0) this.messages += 1;
    return { ...message, body: NOTHING };
  }

  #isKept({ twin }: MessageHead): boolean {
    const count = this.#counts.get(twin) ?? 0;
    this.#counts.set(twin, count + 1);
    return count % this.#parts.options.keepOneOf === 0;
  }

  #lose(hub: string, { twin, from, to, readings, hubs }: MessageHead): void {
    const sequence = hubs[hub] ?? 0;
    const numbers = { fromSequence: sequence, toSequence: sequence, messages: 1, readings };
    this.losses.add({ twin, hub, reason: 'thinned', ...numbers, fromTimeMs: from, toTimeMs: to, ...this.#epoch });
  }
}
