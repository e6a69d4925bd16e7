import { GatewayError } from '../model/error.ts';
import type { Cursor } from './acknowledged.ts';
import type { BlockCodec } from './block.ts';
import { type File, type FileSystem, writeAll } from './file-system.ts';
import { encodeFrames, type Frame } from './frame.ts';
import { replacementPath } from './replacement.ts';
import { createSegment, HEAD_FRAMES, type Segment } from './segment.ts';
import { SegmentRoom } from './segment-room.ts';
import type { SequenceTable } from './sequence-table.ts';

export interface StoreState {
  readonly directory: string;
  readonly fileSystem: FileSystem;
  readonly codec: BlockCodec;
  readonly segmentBytes: number;
  readonly nowMs: () => number;
  readonly runMs: () => number;
  readonly segments: Segment[];
  readonly table: SequenceTable;
  readonly epoch: string;
  readonly nextOffset: number;
  /** The newest segment, open for writing; `undefined`: begin a new one. */
  readonly file: File | undefined;
}

/** The segments in order, the newest one open at its end. One caller at a time. */
export class SegmentStore {
  readonly table: SequenceTable;
  readonly epoch: string;
  readonly #state: StoreState;
  readonly #segments: Segment[];
  readonly #room: SegmentRoom;
  #file: File | undefined;
  #nextOffset: number;

  constructor(state: StoreState) {
    this.#state = state;
    this.#segments = state.segments;
    this.table = state.table;
    this.epoch = state.epoch;
    this.#nextOffset = state.nextOffset;
    this.#file = state.file;
    this.#room = new SegmentRoom(state.segmentBytes);
    this.#room.reset(this.#newestBytes);
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** With the room behind the newest. */
  get bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, this.#room.behind(this.#newestBytes));
  }

  /** The newest segment holds no message yet. */
  get isFresh(): boolean {
    const newest = this.#segments.at(-1);
    return newest === undefined || this.#nextOffset === newest.first + HEAD_FRAMES;
  }

  get isOpen(): boolean {
    return this.#file !== undefined;
  }

  /** First offset after a segment. */
  endOffset(segment: Segment): number {
    return this.#segments[this.#segments.indexOf(segment) + 1]?.first ?? this.#nextOffset;
  }

  /** The last committed offset, and how many messages of the hub there are until then. */
  end(hub: string): Cursor {
    return { offset: this.#nextOffset - 1, messages: this.table.kept(hub) };
  }

  /** What must or may be written beside the next message, in bytes. */
  get overheadBytes(): number {
    return this.#room.mostBytes + (this.#mustRotate() ? JSON.stringify(this.table.sequences()).length + 512 : 0);
  }

  /**
   * Commits messages as one: they are durable when it resolves, and void when it rejects. `build` gets the offset of the first
   * and takes the sequence numbers. Returns how many bytes that were. After a failed fdatasync the kernel may have forgotten the pages: that file is never
   * written again, the next commit begins a new segment.
   */
  async append(build: (firstOffset: number) => readonly Frame[]): Promise<number> {
    if (this.#mustRotate()) await this.rotate();
    const segment = this.#segments.at(-1);
    const file = this.#file;
    if (segment === undefined || file === undefined) throw new GatewayError('BUG', this.#state.directory, 'no open segment');
    const frames = build(this.#nextOffset);
    let bytes: Buffer;
    try {
      bytes = encodeFrames(await this.#state.codec.seal(frames));
      await this.#write(file, bytes, segment.bytes);
    } catch (error) {
      this.table.rollBack();
      throw error;
    }
    this.table.keep(this.#state.nowMs());
    this.#nextOffset += frames.length;
    segment.bytes += bytes.length;
    return bytes.length;
  }

  async #write(file: File, bytes: Uint8Array, position: number): Promise<void> {
    try {
      await writeAll(file, bytes, position);
    } catch (error) {
      await file.truncate(position).then(
        () => this.#room.reset(position),
        () => this.#abandon(),
      );
      throw error;
    }
    await this.#room.make(file, position, position + bytes.length);
    try {
      await file.datasync();
    } catch (error) {
      await file.truncate(position).catch(() => {});
      await this.#abandon();
      throw error;
    }
  }

  /** Begins a new segment. */
  async rotate(): Promise<void> {
    const { fileSystem, directory, nowMs, runMs, codec } = this.#state;
    const { first: previous = 0, bytes: previousBytes = 0 } = this.#segments.at(-1) ?? {};
    const key = codec.keyId === undefined ? {} : { key: codec.keyId };
    const facts = { first: this.#nextOffset, previous, previousBytes, createdMs: nowMs(), runMs: runMs(), ...key };
    // A name that could not be made, nor removed, is not tried again.
    this.#nextOffset += 1;
    const { segment, file } = await createSegment(fileSystem, directory, { ...facts, epoch: this.epoch, table: this.table });
    await this.#abandon();
    this.#segments.push(segment);
    this.#room.reset(segment.bytes);
    this.#file = file;
    this.#nextOffset = segment.first + HEAD_FRAMES;
  }

  /** Takes the place of `segment`, and its replacement that of its file; readers open it anew where they stand. */
  async replace(segment: Segment, other: Segment): Promise<void> {
    const { fileSystem, directory } = this.#state;
    await fileSystem.rename(replacementPath(segment.path), segment.path);
    this.#segments.splice(this.#segments.indexOf(segment), 1, other);
    await fileSystem.syncDirectory(directory);
  }

  async remove(segment: Segment): Promise<void> {
    const { fileSystem, directory } = this.#state;
    await fileSystem.remove(segment.path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    this.#segments.splice(this.#segments.indexOf(segment), 1);
    await fileSystem.syncDirectory(directory);
  }

  close(): Promise<void> {
    return this.#abandon();
  }

  get #newestBytes(): number {
    return this.#segments.at(-1)?.bytes ?? 0;
  }

  #mustRotate(): boolean {
    const newest = this.#segments.at(-1);
    if (newest === undefined || this.#file === undefined) return true;
    return newest.bytes >= this.#state.segmentBytes && !this.isFresh;
  }

  async #abandon(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (file === undefined) return;
    await this.#room.cutOff(file, this.#newestBytes);
    await file.close().catch(() => {});
  }
}
