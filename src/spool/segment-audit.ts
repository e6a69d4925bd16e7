import { crc32 } from 'node:zlib';
import { type Acknowledged, isAcknowledged } from './acknowledged.ts';
import type { BlockCodec } from './block.ts';
import type { Dropping } from './dropping.ts';
import type { FileSystem } from './file-system.ts';
import type { Frame } from './frame.ts';
import { FrameScanner } from './frame-scanner.ts';
import { LossLedger } from './loss-ledger.ts';
import { decodeHead, decodeMessage, type MessageHead } from './message-record.ts';
import { FIRST_FRAME_AT, HEAD_FRAMES, type Segment } from './segment.ts';
import type { Sequences } from './sequence-table.ts';

export interface AuditOptions {
  readonly fileSystem: FileSystem;
  readonly codec: BlockCodec;
  readonly segment: Segment;
  /** First offset of the next segment. */
  readonly endOffset: number;
  /** Sequence numbers at the beginning and at the end of the segment, where they are known and of its epoch. */
  readonly before: Sequences | undefined;
  readonly after: Sequences | undefined;
  /** By hub; losses of other hubs are nobody's. */
  readonly acknowledged: ReadonlyMap<string, Acknowledged>;
  /** The same for what is missing, where a hub's reader has since gone on. */
  readonly passed: ReadonlyMap<string, Acknowledged>;
  /** Where the messages go that are still there and will not arrive either; `undefined`: they will. */
  readonly dropping: Dropping | undefined;
  /** As far as the heads tell. Where its own is damaged, its messages know better: the next segment may have begun a new epoch. */
  readonly epoch: string | undefined;
  /** The epoch of a segment stands in its losses when it is no longer this one. */
  readonly epochOfToday: string;
  readonly nowMs: number;
  readonly onDamage: (from: number, to: number) => Promise<void>;
}

export interface Audit {
  readonly damaged: LossLedger;
  /** The same as long as the same numbers are missing; 0 when none is. */
  readonly fingerprint: number;
}

interface MissingRange {
  readonly fromSequence?: number;
  readonly toSequence: number;
}

interface LastSeen {
  readonly sequence: number;
  readonly timeMs: number;
  readonly offset: number;
}

/** Reads a segment from end to end and tells what of it will not arrive: what is damaged, and what is dropped with it. */
export async function auditSegment(options: AuditOptions): Promise<Audit> {
  const { fileSystem, codec, segment, endOffset } = options;
  const book = new AuditBook(options);
  const file = await fileSystem.open(segment.path, 'read').catch(() => undefined);
  try {
    const scanner = new FrameScanner(file ?? UNREADABLE, FIRST_FRAME_AT, codec);
    for (let items = await scanner.next(segment.bytes); items.length > 0; items = await scanner.next(segment.bytes)) {
      for (const item of items) {
        if (item.found === 'damage') await options.onDamage(item.from, item.to);
        else if (item.frame.kind === 'message' && item.frame.offset < endOffset) book.see(item.frame);
      }
    }
  } catch {
    // What cannot be read is missing; the sequence numbers after it tell how much.
  } finally {
    await file?.close().catch(() => {});
  }
  return book.close();
}

const UNREADABLE = {
  size: async () => 0,
  identity: async () => '',
  read: async () => 0,
  write: async () => 0,
  datasync: async () => {},
  truncate: async () => {},
  close: async () => {},
};

class AuditBook {
  readonly #options: AuditOptions;
  readonly #damaged = new LossLedger();
  readonly #seen = new Map<string, Map<string, LastSeen>>();
  #fingerprint = 0;
  #nextOffset: number;
  #jumped = false;
  #epoch: string | undefined;

  constructor(options: AuditOptions) {
    this.#options = options;
    this.#epoch = options.segment.head?.epoch;
    this.#nextOffset = options.segment.first + HEAD_FRAMES;
  }

  see(frame: Frame): void {
    const head = decodeHead(frame);
    if (head === undefined || (frame.body.length > 0 && decodeMessage(frame) === undefined)) return;
    this.#epoch ??= frame.epoch;
    this.#jumped ||= frame.offset !== this.#nextOffset;
    this.#nextOffset = frame.offset + 1;
    for (const [hub, sequence] of Object.entries(head.hubs)) {
      const last = this.#last(hub, head.twin);
      this.#compare(hub, head.twin, last, { sequence, timeMs: head.from, offset: frame.offset });
      this.#remember(hub, head.twin, { sequence, timeMs: head.to, offset: frame.offset });
      this.#drop(hub, head, frame);
    }
  }

  close(): Audit {
    const { epoch, after: known, endOffset, nowMs } = this.#options;
    const after = this.#epoch === undefined || this.#epoch === epoch ? known : undefined;
    this.#jumped ||= this.#nextOffset !== endOffset;
    for (const [hub, twins] of Object.entries(after ?? {})) {
      for (const [twin, sequence] of Object.entries(twins)) {
        this.#compare(hub, twin, this.#last(hub, twin), { sequence: sequence + 1, timeMs: nowMs, offset: endOffset });
      }
    }
    return { damaged: this.#damaged, fingerprint: this.#fingerprint };
  }

  #last(hub: string, twin: string): LastSeen | undefined {
    const seen = this.#seen.get(hub)?.get(twin);
    const { before, segment } = this.#options;
    if (seen !== undefined || before === undefined) return seen;
    const timeMs = segment.head?.createdMs ?? this.#options.nowMs;
    const twins = Object.hasOwn(before, hub) ? before[hub] : undefined;
    const sequence = twins !== undefined && Object.hasOwn(twins, twin) ? twins[twin] : undefined;
    return { sequence: sequence ?? 0, timeMs, offset: segment.first };
  }

  #remember(hub: string, twin: string, last: LastSeen): void {
    const twins = this.#seen.get(hub) ?? new Map<string, LastSeen>();
    this.#seen.set(hub, twins.set(twin, last));
  }

  /** Without a number to begin from, only where the loss ends is known, not how much it is: `messages` 0. */
  #compare(hub: string, twin: string, last: LastSeen | undefined, next: LastSeen): void {
    const toSequence = next.sequence - 1;
    if (last === undefined && this.#jumped && toSequence > 0) this.#miss(hub, twin, { toSequence }, { ...next, offset: 0 }, next);
    if (last === undefined || last.sequence >= toSequence) return;
    this.#miss(hub, twin, { fromSequence: last.sequence + 1, toSequence }, last, next);
  }

  #miss(hub: string, twin: string, range: MissingRange, last: LastSeen, next: LastSeen): void {
    this.#fingerprint = crc32(JSON.stringify([hub, twin, range]), this.#fingerprint);
    const acknowledged = this.#options.passed.get(hub) ?? this.#options.acknowledged.get(hub);
    if (acknowledged === undefined || isAcknowledged(acknowledged, last.offset, next.offset - 1)) return;
    this.#damaged.add({
      ...this.#lossOf(hub, twin, 'damaged'),
      ...range,
      fromTimeMs: Math.min(last.timeMs, next.timeMs),
      toTimeMs: Math.max(last.timeMs, next.timeMs),
      messages: range.fromSequence === undefined ? 0 : range.toSequence - range.fromSequence + 1,
      readings: 0,
    });
  }

  /** A gap record that goes away takes its statement along: the statement is made again. */
  #drop(hub: string, head: MessageHead, frame: Frame): void {
    const { dropping } = this.#options;
    const acknowledged = this.#options.acknowledged.get(hub);
    const sequence = head.hubs[hub];
    if (dropping === undefined || acknowledged === undefined || sequence === undefined) return;
    if (isAcknowledged(acknowledged, frame.offset - 1)) return;
    const loss = {
      ...this.#lossOf(hub, head.twin, dropping.reason),
      fromSequence: sequence,
      toSequence: sequence,
      fromTimeMs: head.from,
      toTimeMs: head.to,
      messages: 1,
      readings: head.readings,
    };
    dropping.onDropped(loss, sequence);
    // Was thinned away, and declared then.
    if (frame.body.length === 0) return;
    dropping.ledger.add(loss);
    const gap = head.kind === 'gap' ? decodeMessage(frame)?.gap : undefined;
    if (gap !== undefined) dropping.ledger.add({ ...this.#lossOf(hub, head.twin, gap.reason), ...gap });
  }

  #lossOf(hub: string, twin: string, reason: string) {
    const epoch = this.#epoch ?? this.#options.epoch;
    return { hub, twin, reason, ...(epoch === undefined || epoch === this.#options.epochOfToday ? {} : { epoch }) };
  }
}
