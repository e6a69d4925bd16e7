import type { MessageClass, Stored } from '../model/twin-message.ts';
import { type Acknowledged, behindAcknowledged, type Cursor } from './acknowledged.ts';
import type { BlockCodec } from './block.ts';
import type { File, FileSystem } from './file-system.ts';
import { FrameScanner, type Scanned } from './frame-scanner.ts';
import { decodeHead, decodeMessage } from './message-record.ts';
import { FIRST_FRAME_AT, type Segment } from './segment.ts';

/** What a walk may know of the log. */
export interface LogView {
  /** Of everything in it. */
  readonly class: MessageClass;
  readonly fileSystem: FileSystem;
  readonly codec: BlockCodec;
  readonly segments: readonly Segment[];
  endOffset(segment: Segment): number;
  /** The last committed offset, and the messages of a hub until then. */
  end(hub: string): Cursor;
  onAcknowledged(): void;
  /** What the hub had acknowledged when its reader came to bytes without a message. */
  onDamage(segment: Segment, hub: string, acknowledged: Acknowledged): void;
  onUnreadable(segment: Segment, hub: string, acknowledged: Acknowledged, error: unknown): void;
  reject(hub: string, stored: Stored, reason: string): Promise<void>;
}

export interface WalkOptions {
  readonly hub: string;
  readonly view: LogView;
  readonly from: Cursor;
  readonly acknowledged: () => Acknowledged;
  /** Everything that the walk has passed until there was acknowledged, or is not for this hub. */
  readonly onThrough: (to: Cursor) => void;
}

interface Outstanding {
  readonly cursor: Cursor;
  /** When it was appended; UTC, milliseconds since 1970. */
  readonly atMs: number;
}

interface OpenSegment {
  readonly segment: Segment;
  readonly file: File;
  readonly scanner: FrameScanner;
  /** Jumps until then: after another one the scanner stands at the wrong place. */
  readonly jumps: number;
}

const READ_ATTEMPTS = 3;

/** Walks the log for one hub. What is not for this hub is skipped unread, and so is what it has acknowledged ahead. */
export class LogWalk {
  readonly #options: WalkOptions;
  readonly #hub: string;
  readonly #view: LogView;
  /** Read, in order, not yet acknowledged. Kept over a jump back: a late acknowledgement still counts. */
  #outstanding: Outstanding[] = [];
  #position: Cursor;
  #end: Cursor | undefined;
  #open: OpenSegment | undefined;
  #scanned: readonly Scanned[] = [];
  #taken = 0;
  /** Changes when the position jumps, so that a read under way begins again. */
  #jumps = 0;
  #failures = 0;
  #isOver = false;

  constructor(options: WalkOptions) {
    this.#options = options;
    this.#hub = options.hub;
    this.#view = options.view;
    this.#position = options.from;
  }

  /** When the oldest message that was read and not acknowledged was appended. */
  get oldestTimeMs(): number | undefined {
    return this.#outstanding[0]?.atMs;
  }

  /** Has read of it what is on its way, or stands in it. */
  isIn(segment: Segment): boolean {
    const end = this.#view.endOffset(segment);
    const isThere = ({ cursor }: Outstanding) => segment.first <= cursor.offset && cursor.offset < end;
    return this.#open?.segment === segment || this.#outstanding.some(isThere);
  }

  /** The next messages up to about `maxBytes`, none at the end of the log or of the walk; `later`: the disk did not let us look. */
  async next(maxBytes: number): Promise<readonly Stored[] | 'later'> {
    const stored: Stored[] = [];
    let bytes = 0;
    let jumps = this.#jumps;
    for (;;) {
      if (jumps !== this.#jumps) {
        stored.length = 0;
        bytes = 0;
        jumps = this.#jumps;
        continue;
      }
      const item = this.#scanned[this.#taken];
      if (item === undefined) {
        const more = await this.#refill();
        if (jumps !== this.#jumps || more === 'more') continue;
        return more === 'end' || stored.length > 0 ? stored : 'later';
      }
      this.#taken += 1;
      const frame = this.#accept(item);
      if (frame === undefined) continue;
      stored.push(frame.stored);
      bytes += frame.bytes;
      if (bytes >= maxBytes) return stored;
    }
  }

  /** Everything of this walk up to and including `offset`. */
  acknowledge(offset: number): void {
    const count = this.#outstanding.findLastIndex(({ cursor }) => cursor.offset <= offset) + 1;
    const last = this.#outstanding[count - 1];
    if (last === undefined) return;
    this.#outstanding = this.#outstanding.slice(count);
    const isAll = this.#outstanding.length === 0 && this.#position.offset > last.cursor.offset;
    this.#options.onThrough(isAll ? this.#position : last.cursor);
  }

  /** Everything up to the cursor is gone or is not for this hub. */
  advance(cursor: Cursor): void {
    this.#outstanding = this.#outstanding.filter((other) => other.cursor.offset > cursor.offset);
    if (this.#position.offset < cursor.offset) this.jumpTo(cursor);
  }

  jumpTo(position: Cursor): void {
    this.#position = position;
    this.#jumps += 1;
    this.#scanned = [];
    this.#taken = 0;
  }

  /** What comes after `end` is for another walk; `undefined`: the walk goes on for ever. */
  endAt(end: Cursor | undefined): void {
    this.#end = end;
  }

  /** Ends a read under way, too. */
  async close(): Promise<void> {
    this.#isOver = true;
    await this.#closeFile();
  }

  async #closeFile(): Promise<void> {
    const file = this.#open?.file;
    this.#open = undefined;
    await file?.close().catch(() => {});
  }

  #accept(item: Scanned): { stored: Stored; bytes: number } | undefined {
    if (item.found === 'damage') return this.#tellDamage();
    const { frame } = item;
    if (frame.kind !== 'message' || frame.offset <= this.#position.offset || this.#skips(frame.offset)) return undefined;
    const head = decodeHead(frame);
    if (head === undefined) return this.#tellDamage();
    const isMine = Object.hasOwn(head.hubs, this.#hub);
    this.#position = { offset: frame.offset, messages: this.#position.messages + (isMine ? 1 : 0) };
    if (!isMine || frame.body.length === 0) return undefined;
    const message = decodeMessage(frame);
    if (message === undefined) return this.#tellDamage();
    const last = this.#outstanding.at(-1);
    if (last === undefined || last.cursor.offset < frame.offset)
      this.#outstanding.push({ cursor: this.#position, atMs: head.at });
    const { offset, epoch } = frame;
    const stored = { class: this.#view.class, offset, sequence: head.hubs[this.#hub] ?? 0, epoch, message };
    return { stored, bytes: frame.body.length };
  }

  #tellDamage(): undefined {
    if (this.#open !== undefined) this.#view.onDamage(this.#open.segment, this.#hub, this.#options.acknowledged());
  }

  /** Is acknowledged already, or for another walk. */
  #skips(offset: number): boolean {
    const behind = behindAcknowledged(this.#options.acknowledged(), offset - 1);
    if (behind !== undefined) this.#position = behind;
    return behind !== undefined || (this.#end !== undefined && offset > this.#end.offset);
  }

  /** `end`: everything committed has been read, or all of this walk; `later`: the disk did not let us. */
  async #refill(): Promise<'more' | 'end' | 'later'> {
    const segment = this.#segmentToRead();
    if (segment === undefined) return this.#stop();
    const jumps = this.#jumps;
    try {
      const open = await this.#openSegment(segment);
      if (this.#isOver) {
        await this.#closeFile();
        return 'end';
      }
      const endOffset = this.#view.endOffset(segment);
      const isNewest = this.#view.segments.at(-1) === segment;
      const scanned = await open.scanner.next(segment.bytes);
      this.#failures = 0;
      if (jumps !== this.#jumps) return 'more';
      this.#scanned = scanned.filter((item) => item.found === 'damage' || item.frame.offset < endOffset);
      this.#taken = 0;
      if (scanned.length > 0) return 'more';
      if (isNewest) return this.#stop();
      await this.#leave(segment);
      return 'more';
    } catch (error) {
      return this.#onReadError(segment, error);
    }
  }

  #segmentToRead(): Segment | undefined {
    if (this.#end !== undefined && this.#position.offset >= this.#end.offset) return undefined;
    const { segments } = this.#view;
    return segments.findLast(({ first }) => first <= this.#position.offset + 1) ?? segments[0];
  }

  #stop(): 'end' {
    if (this.#end !== undefined) this.#passTo(this.#end);
    return 'end';
  }

  /** Nothing for this hub is left until there. */
  #passTo(cursor: Cursor): void {
    if (this.#position.offset < cursor.offset) this.#position = cursor;
    if (this.#outstanding.length === 0) this.#options.onThrough(this.#position);
  }

  async #openSegment(segment: Segment): Promise<OpenSegment> {
    if (this.#open?.segment === segment && this.#open.jumps === this.#jumps) return this.#open;
    const jumps = this.#jumps;
    await this.#closeFile();
    const file = await this.#view.fileSystem.open(segment.path, 'read');
    this.#open = { segment, file, scanner: new FrameScanner(file, FIRST_FRAME_AT, this.#view.codec), jumps };
    // The head says how many messages there were until here, damaged ones too.
    const messages = segment.head?.totals[this.#hub] ?? (segment.head === undefined ? this.#position.messages : 0);
    if (this.#position.offset < segment.first) this.#position = { offset: this.#position.offset, messages };
    return this.#open;
  }

  async #leave(segment: Segment): Promise<void> {
    const next = this.#view.segments[this.#view.segments.indexOf(segment) + 1];
    if (next === undefined) return;
    await this.#closeFile();
    this.#passTo({ offset: next.first - 1, messages: next.head?.totals[this.#hub] ?? this.#position.messages });
  }

  async #onReadError(segment: Segment, error: unknown): Promise<'more' | 'later' | 'end'> {
    await this.#closeFile();
    if (this.#isOver) return 'end';
    if (!this.#view.segments.includes(segment)) return 'more';
    this.#failures += 1;
    const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (!isGone && this.#failures < READ_ATTEMPTS) return 'later';
    this.#failures = 0;
    this.#view.onUnreadable(segment, this.#hub, this.#options.acknowledged(), error);
    if (this.#view.segments.at(-1) === segment) return 'later';
    await this.#leave(segment);
    return 'more';
  }
}
