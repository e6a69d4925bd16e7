import type { MessageClass, Stored } from '../model/twin-message.ts';
import type { BlockCodec } from './block.ts';
import type { Cursor } from './cursor-file.ts';
import type { File, FileSystem } from './file-system.ts';
import { FrameScanner, type Scanned } from './frame-scanner.ts';
import { decodeHead, decodeMessage } from './message-record.ts';
import { FIRST_FRAME_AT, type Segment } from './segment.ts';
import type { SpoolPlace, SpoolReader } from './spool.ts';

/** What a reader may know of the log. */
export interface LogView {
  /** Of everything in it. */
  readonly class: MessageClass;
  readonly fileSystem: FileSystem;
  readonly codec: BlockCodec;
  readonly segments: readonly Segment[];
  endOffset(segment: Segment): number;
  /** Rises with each commit; `changed` resolves when it is no longer `seen`, rejects when aborted or closed. */
  readonly version: number;
  changed(seen: number, signal: AbortSignal): Promise<void>;
  pause(ms: number, signal: AbortSignal): Promise<void>;
  onAcknowledged(): void;
  /** The hub had acknowledged up to `offset` when its reader came to bytes without a message. */
  onDamage(segment: Segment, hub: string, offset: number): void;
  onUnreadable(segment: Segment, hub: string, offset: number, error: unknown): void;
  reject(hub: string, stored: Stored, reason: string): Promise<void>;
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
const READ_RETRY_MS = 500;

/** Walks the log for one hub, at its own pace. Whatever is not for this hub is skipped unread. */
export class HubReader implements SpoolReader {
  readonly #hub: string;
  readonly #view: LogView;
  #cursor: Cursor;
  /** Read, in order, not yet acknowledged. Kept over a rewind: a late acknowledgement still counts. */
  #outstanding: Outstanding[] = [];
  #position: Cursor;
  #open: OpenSegment | undefined;
  #scanned: readonly Scanned[] = [];
  #taken = 0;
  /** Changes when the position jumps, so that a read under way begins again. */
  #jumps = 0;
  #failures = 0;

  constructor(hub: string, cursor: Cursor, view: LogView) {
    this.#hub = hub;
    this.#cursor = cursor;
    this.#position = cursor;
    this.#view = view;
  }

  get cursor(): Cursor {
    return this.#cursor;
  }

  /** When the oldest message that was read and not acknowledged was appended. */
  get oldestTimeMs(): number | undefined {
    return this.#outstanding[0]?.atMs;
  }

  async read(maxBytes: number, signal: AbortSignal): Promise<readonly Stored[]> {
    signal.throwIfAborted();
    for (;;) {
      const version = this.#view.version;
      const stored = await this.#readOn(maxBytes, signal);
      if (stored.length > 0) return stored;
      await this.#view.changed(version, signal);
    }
  }

  rewind(): void {
    this.#jumpTo(this.#cursor);
  }

  acknowledge({ offset }: SpoolPlace): void {
    const count = this.#outstanding.findLastIndex(({ cursor }) => cursor.offset <= offset) + 1;
    const last = this.#outstanding[count - 1];
    if (last === undefined) return;
    this.#outstanding = this.#outstanding.slice(count);
    if (last.cursor.offset <= this.#cursor.offset) return;
    this.#cursor = last.cursor;
    this.#view.onAcknowledged();
  }

  reject(stored: Stored, reason: string): Promise<void> {
    return this.#view.reject(this.#hub, stored, reason);
  }

  /** Everything up to the cursor is gone or is not for this hub. */
  advance(cursor: Cursor): void {
    if (cursor.offset <= this.#cursor.offset) return;
    this.#cursor = cursor;
    this.#outstanding = this.#outstanding.filter((other) => other.cursor.offset > cursor.offset);
    if (this.#position.offset < cursor.offset) this.#jumpTo(this.#cursor);
  }

  async close(): Promise<void> {
    const file = this.#open?.file;
    this.#open = undefined;
    await file?.close().catch(() => {});
  }

  #jumpTo(position: Cursor): void {
    this.#position = position;
    this.#jumps += 1;
    this.#scanned = [];
    this.#taken = 0;
  }

  async #readOn(maxBytes: number, signal: AbortSignal): Promise<readonly Stored[]> {
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
        // What was read is handed out before anything that may take long or be aborted.
        if (more === 'end' || stored.length > 0) return stored;
        await this.#view.pause(READ_RETRY_MS, signal);
        continue;
      }
      this.#taken += 1;
      const frame = this.#accept(item);
      if (frame === undefined) continue;
      stored.push(frame.stored);
      bytes += frame.bytes;
      if (bytes >= maxBytes) return stored;
    }
  }

  #accept(item: Scanned): { stored: Stored; bytes: number } | undefined {
    if (item.found === 'damage') {
      if (this.#open !== undefined) this.#view.onDamage(this.#open.segment, this.#hub, this.#cursor.offset);
      return undefined;
    }
    const { frame } = item;
    if (frame.kind !== 'message' || frame.offset <= this.#position.offset) return undefined;
    const head = decodeHead(frame);
    if (head === undefined) return this.#accept({ found: 'damage', from: item.at, to: item.at });
    const isMine = Object.hasOwn(head.hubs, this.#hub);
    this.#position = { offset: frame.offset, messages: this.#position.messages + (isMine ? 1 : 0) };
    if (!isMine) return undefined;
    const message = decodeMessage(frame);
    if (message === undefined) return this.#accept({ found: 'damage', from: item.at, to: item.at });
    const last = this.#outstanding.at(-1);
    if (last === undefined || last.cursor.offset < frame.offset)
      this.#outstanding.push({ cursor: this.#position, atMs: head.at });
    const { offset, epoch } = frame;
    const stored = { class: this.#view.class, offset, sequence: head.hubs[this.#hub] ?? 0, epoch, message };
    return { stored, bytes: frame.body.length };
  }

  /** `end`: everything committed has been read; `later`: the disk did not let us. */
  async #refill(): Promise<'more' | 'end' | 'later'> {
    const segment = this.#segmentToRead();
    if (segment === undefined) return 'end';
    const jumps = this.#jumps;
    try {
      const open = await this.#openSegment(segment);
      const endOffset = this.#view.endOffset(segment);
      const isNewest = this.#view.segments.at(-1) === segment;
      const scanned = await open.scanner.next(segment.bytes);
      this.#failures = 0;
      if (jumps !== this.#jumps) return 'more';
      this.#scanned = scanned.filter((item) => item.found === 'damage' || item.frame.offset < endOffset);
      this.#taken = 0;
      if (scanned.length > 0) return 'more';
      if (isNewest) return 'end';
      await this.#leave(segment);
      return 'more';
    } catch (error) {
      return this.#onReadError(segment, error);
    }
  }

  #segmentToRead(): Segment | undefined {
    const { segments } = this.#view;
    return segments.findLast(({ first }) => first <= this.#position.offset + 1) ?? segments[0];
  }

  async #openSegment(segment: Segment): Promise<OpenSegment> {
    if (this.#open?.segment === segment && this.#open.jumps === this.#jumps) return this.#open;
    const jumps = this.#jumps;
    await this.close();
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
    this.#position = { offset: next.first - 1, messages: next.head?.totals[this.#hub] ?? this.#position.messages };
    await this.close();
    if (this.#outstanding.length > 0 || this.#cursor.offset >= this.#position.offset) return;
    this.#cursor = this.#position;
    this.#view.onAcknowledged();
  }

  async #onReadError(segment: Segment, error: unknown): Promise<'more' | 'later'> {
    await this.close();
    if (!this.#view.segments.includes(segment)) return 'more';
    this.#failures += 1;
    const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (!isGone && this.#failures < READ_ATTEMPTS) return 'later';
    this.#failures = 0;
    this.#view.onUnreadable(segment, this.#hub, this.#cursor.offset, error);
    if (this.#view.segments.at(-1) === segment) return 'later';
    await this.#leave(segment);
    return 'more';
  }
}
