import { type File, writeAll } from './file-system.ts';

const ROOM_BYTES = 64 * 1024;
/** Of a small segment, so that room is never much of what a log may take. */
const ROOM_SHARE = 16;
/** A commit that is larger than this part of the room is worth a turn of the journal. */
const SMALL_SHARE = 4;

/**
 * Room ahead of the log: zeros behind its end, written together with the commit that no longer fits. What is written into room
 * changes neither the size of the file nor where its blocks are, so that the file system has nothing to write to its journal, which
 * costs three to five pages of flash for each commit, where the commit itself is often less than one. The zeros double the bytes of
 * the log; so there is no room behind large commits, which would gain nothing.
 */
export class SegmentRoom {
  readonly #roomBytes: number;
  #end = 0;

  constructor(segmentBytes: number) {
    this.#roomBytes = Math.min(ROOM_BYTES, Math.floor(segmentBytes / ROOM_SHARE));
  }

  /** What one commit may take beside its own bytes. */
  get mostBytes(): number {
    return this.#roomBytes;
  }

  /** Bytes behind the end of the log. */
  behind(bytes: number): number {
    return Math.max(0, this.#end - bytes);
  }

  /** The file has so many bytes now, and no room. */
  reset(bytes: number): void {
    this.#end = bytes;
  }

  /** Behind a commit that was written and not synced yet, and begins and ends there. No room is no failure. */
  async make(file: File, from: number, to: number): Promise<void> {
    if (to <= this.#end) return;
    this.#end = to;
    if (to - from > this.#roomBytes / SMALL_SHARE) return;
    try {
      await writeAll(file, Buffer.alloc(this.#roomBytes), to);
      this.#end = to + this.#roomBytes;
    } catch {
      await file.truncate(to).catch(() => {});
    }
  }

  /** Leaves the log as it is, whose end is there. What cannot be cut off is found to be zeros. */
  async cutOff(file: File, bytes: number): Promise<void> {
    if (this.#end <= bytes) return;
    this.#end = bytes;
    await file.truncate(bytes).catch(() => {});
  }
}
