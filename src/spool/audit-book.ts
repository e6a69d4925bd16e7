import { crc32 } from 'node:zlib';
import { type Acknowledged, isAcknowledged, isPartlyAcknowledged } from './acknowledged.ts';
import type { Dropping } from './dropping.ts';
import type { Frame } from './frame.ts';
import { lossesToldBy } from './gap-statement.ts';
import { type Loss, LossLedger } from './loss-ledger.ts';
import { decodeHead, decodeMessage, type MessageHead } from './message-record.ts';
import { HEAD_FRAMES, type Segment } from './segment.ts';
import type { Sequences } from './sequence-table.ts';

/** What an audit begins with. */
export interface AuditFacts {
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
}

export interface Audit {
  readonly damaged: readonly Loss[];
  /** The same as long as the same numbers are missing; 0 when none is. */
  readonly fingerprint: number;
  /** How many are missing, or dropped, as far as that is known. What is told again is not among them. */
  readonly damagedMessages: number;
  readonly droppedMessages: number;
}

interface MissingRange {
  readonly fromSequence?: number;
  readonly toSequence: number;
}

/** Offsets, both included. */
interface Hole {
  readonly from: number;
  readonly to: number;
}

interface LastSeen {
  readonly sequence: number;
  readonly timeMs: number;
  readonly offset: number;
}

/** Keeps book of the messages of a segment that are there, and so of those that are not. */
export class AuditBook {
  readonly #options: AuditFacts;
  readonly #damaged = new LossLedger();
  readonly #toldAgain: Loss[] = [];
  readonly #seen = new Map<string, Map<string, LastSeen>>();
  #fingerprint = 0;
  #damagedMessages = 0;
  #droppedMessages = 0;
  #nextOffset: number;
  readonly #holes: Hole[] = [];
  #epoch: string | undefined;

  constructor(options: AuditFacts) {
    this.#options = options;
    this.#epoch = options.segment.head?.epoch;
    this.#nextOffset = options.segment.first + HEAD_FRAMES;
  }

  see(frame: Frame): void {
    const head = decodeHead(frame);
    if (head === undefined || (frame.body.length > 0 && decodeMessage(frame) === undefined)) return;
    this.#epoch ??= frame.epoch;
    this.#goTo(frame.offset);
    this.#nextOffset = frame.offset + 1;
    for (const [hub, sequence] of Object.entries(head.hubs)) {
      const last = this.#last(hub, head.twin);
      this.#compare(hub, head.twin, last, { sequence, timeMs: head.from, offset: frame.offset });
      this.#remember(hub, head.twin, { sequence, timeMs: head.to, offset: frame.offset });
      this.#drop(hub, head, frame);
    }
    this.#dropStatement(frame);
  }

  get hasHoles(): boolean {
    return this.#holes.length > 0;
  }

  /** Everything there is was seen. */
  end(): void {
    const { epoch, after: known, endOffset, nowMs } = this.#options;
    const after = this.#epoch === undefined || this.#epoch === epoch ? known : undefined;
    this.#goTo(endOffset);
    for (const [hub, twins] of Object.entries(after ?? {})) {
      for (const [twin, sequence] of Object.entries(twins)) {
        this.#compare(hub, twin, this.#last(hub, twin), { sequence: sequence + 1, timeMs: nowMs, offset: endOffset });
      }
    }
  }

  /** Where it is among what is missing. */
  tellAgain(copy: Frame): void {
    if (!this.#holes.some(({ from, to }) => from <= copy.offset && copy.offset <= to)) return;
    for (const loss of lossesToldBy(copy, (hub) => this.#whenNoticed(hub), this.#options.epochOfToday))
      this.#toldAgain.push(loss);
  }

  close(): Audit {
    const [damagedMessages, droppedMessages] = [this.#damagedMessages, this.#droppedMessages];
    const damaged = [...this.#damaged.take(), ...this.#toldAgain];
    return { damaged, fingerprint: this.#fingerprint, damagedMessages, droppedMessages };
  }

  #goTo(offset: number): void {
    if (offset > this.#nextOffset) this.#holes.push({ from: this.#nextOffset, to: offset - 1 });
  }

  #whenNoticed(hub: string): Acknowledged | undefined {
    return this.#options.passed.get(hub) ?? this.#options.acknowledged.get(hub);
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
    if (last === undefined && this.hasHoles && toSequence > 0)
      this.#miss(hub, twin, { toSequence }, { ...next, offset: 0 }, next);
    if (last === undefined || last.sequence >= toSequence) return;
    this.#miss(hub, twin, { fromSequence: last.sequence + 1, toSequence }, last, next);
  }

  #miss(hub: string, twin: string, range: MissingRange, last: LastSeen, next: LastSeen): void {
    this.#fingerprint = crc32(JSON.stringify([hub, twin, range]), this.#fingerprint);
    const acknowledged = this.#whenNoticed(hub);
    const { after, upTo } = this.#placeOf(last, next);
    if (acknowledged === undefined || isAcknowledged(acknowledged, after, upTo)) return;
    // Which of the numbers were acknowledged nobody knows: at the receiver, what did arrive, arrived.
    const isExact = range.fromSequence !== undefined && !isPartlyAcknowledged(acknowledged, after, upTo);
    const messages = isExact ? range.toSequence - range.fromSequence + 1 : 0;
    this.#damagedMessages += messages;
    this.#damaged.add({
      ...this.#lossOf(hub, twin, 'damaged'),
      ...range,
      fromTimeMs: Math.min(last.timeMs, next.timeMs),
      toTimeMs: Math.max(last.timeMs, next.timeMs),
      messages,
      readings: 0,
    });
  }

  /** What is missing between the two is in holes. */
  #placeOf(last: LastSeen, next: LastSeen): { readonly after: number; readonly upTo: number } {
    const first = this.#holes.find(({ to }) => to > last.offset);
    const end = this.#holes.at(-1);
    return { after: Math.max(last.offset, (first?.from ?? 0) - 1), upTo: Math.min(end?.to ?? next.offset, next.offset - 1) };
  }

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
    this.#droppedMessages += 1;
  }

  /** A gap record that goes away takes its statement along: the statement is made again. */
  #dropStatement(frame: Frame): void {
    const { dropping, acknowledged, epochOfToday } = this.#options;
    if (dropping === undefined) return;
    for (const loss of lossesToldBy(frame, (hub) => acknowledged.get(hub), epochOfToday)) dropping.ledger.add(loss);
  }

  #lossOf(hub: string, twin: string, reason: string) {
    const epoch = this.#epoch ?? this.#options.epoch;
    return { hub, twin, reason, ...(epoch === undefined || epoch === this.#options.epochOfToday ? {} : { epoch }) };
  }
}
