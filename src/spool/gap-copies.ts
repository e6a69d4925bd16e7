import { join } from 'node:path';
import { type File, writeAll } from './file-system.ts';
import type { Frame } from './frame.ts';
import { FrameScanner } from './frame-scanner.ts';
import { replacementPath, writeReplacement } from './replacement.ts';
import { sealRuns } from './sealed-runs.ts';
import type { LogPlace } from './segment-list.ts';

const NAME = 'gap-copies';
/** Holds the newest block, whole. */
const TAIL_BYTES = 256 * 1024;

/**
 * The gap records of the log that hubs wait for, a second time, in a file of their own: when the one in the log is damaged, what it
 * told is told again (audit-book.ts). Blocks (block.ts) as in a segment, each written after the commit of what is in it.
 * The file is written anew, with what hubs still wait for, at the first gap record after a start and whenever it has doubled;
 * above its bound with the newest half of it.
 */
export class GapCopies {
  readonly #place: LogPlace;
  readonly #path: string;
  readonly #maxBytes: number;
  /** In the log and not here yet. */
  #pending: readonly Frame[] = [];
  /** Open for writing once it was written anew. */
  #file: File | undefined;
  #bytes = 0;
  #rewriteAboveBytes = 0;

  constructor(place: LogPlace, maxBytes: number) {
    this.#place = place;
    this.#path = join(place.directory, NAME);
    this.#maxBytes = maxBytes;
  }

  static isFile(name: string): boolean {
    return name === NAME;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Looks at what is there; returns the offset behind the last record, which was committed once. */
  async open(): Promise<number> {
    const file = await this.#place.fileSystem.open(this.#path, 'read').catch(() => undefined);
    this.#bytes = (await file?.size()) ?? 0;
    await file?.close();
    let nextOffset = 0;
    for await (const records of this.#saved(this.#bytes - TAIL_BYTES)) {
      for (const { offset } of records) nextOffset = offset + 1;
    }
    return nextOffset;
  }

  /** Records that were just committed; on disk with the next `save`. */
  add(records: readonly Frame[]): void {
    this.#pending = [...this.#pending, ...records];
  }

  /** All in order of their offsets, some at a time; what is damaged is missing. */
  read(): AsyncGenerator<readonly Frame[]> {
    return this.#all(0);
  }

  /** What was added is durable when it resolves. `isWaiting`: whether any hub waits for the record. */
  async save(isWaiting: (record: Frame) => boolean): Promise<void> {
    if (this.#pending.length === 0) return;
    if (this.#file === undefined || this.#bytes > this.#rewriteAboveBytes) await this.#rewrite(isWaiting);
    else await this.#append(this.#file);
    this.#pending = [];
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close().catch(() => {});
  }

  /** After a failure the file is written anew. */
  async #append(file: File): Promise<void> {
    try {
      const bytes = await sealRuns(this.#place.codec, this.#pending);
      await writeAll(file, bytes, this.#bytes);
      await file.datasync();
      this.#bytes += bytes.length;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async #rewrite(isWaiting: (record: Frame) => boolean): Promise<void> {
    const { fileSystem, directory } = this.#place;
    await this.close();
    const from = this.#bytes > this.#maxBytes ? this.#bytes - this.#maxBytes / 2 : 0;
    const { file, bytes } = await writeReplacement(fileSystem, this.#path, this.#sealed(from, isWaiting));
    try {
      await fileSystem.rename(replacementPath(this.#path), this.#path);
      await fileSystem.syncDirectory(directory);
    } catch (error) {
      await file.close().catch(() => {});
      throw error;
    }
    this.#file = file;
    this.#bytes = bytes;
    this.#rewriteAboveBytes = Math.min(this.#maxBytes, Math.max(2 * bytes, this.#maxBytes / 8));
  }

  async *#sealed(from: number, isWaiting: (record: Frame) => boolean): AsyncGenerator<Buffer> {
    for await (const records of this.#all(from)) yield await sealRuns(this.#place.codec, records.filter(isWaiting));
  }

  async *#all(from: number): AsyncGenerator<readonly Frame[]> {
    let lastOffset = 0;
    for await (const records of this.#saved(from)) {
      lastOffset = records.at(-1)?.offset ?? lastOffset;
      yield records;
    }
    // A file that was written anew, and whose name failed to become durable, holds what is pending, too.
    yield this.#pending.filter(({ offset }) => offset > lastOffset);
  }

  /** From the first whole block at or after `from` on. */
  async *#saved(from: number): AsyncGenerator<readonly Frame[]> {
    const { fileSystem, codec } = this.#place;
    const file = await fileSystem.open(this.#path, 'read').catch(() => undefined);
    if (file === undefined) return;
    // Whoever reads it may end early, by an error of the disk.
    try {
      const scanner = new FrameScanner(file, Math.max(0, from), codec);
      const next = () => scanner.next(this.#bytes).catch(() => []);
      for (let items = await next(); items.length > 0; items = await next()) {
        yield items.flatMap((item) => (item.found === 'frame' && item.frame.kind === 'message' ? [item.frame] : []));
      }
    } finally {
      await file.close().catch(() => {});
    }
  }
}
