import { join } from 'node:path';
import { type File, type FileSystem, readUpTo, writeAll } from './file-system.ts';
import { decodeFrame, encodeFrame } from './frame.ts';

/** How far one hub has acknowledged: the offset, and how many messages of the hub that makes since the beginning. */
export interface Cursor {
  readonly offset: number;
  readonly messages: number;
}

export interface CursorRecord {
  readonly cursors: Readonly<Record<string, Cursor>>;
  /** The next free offset when this was written: everything below was committed once. */
  readonly nextOffset: number;
  /** First offset of a damaged segment → fingerprint of the losses already declared. */
  readonly declared: Readonly<Record<string, number>>;
}

const SLOTS = ['cursors-a', 'cursors-b'] as const;
const EMPTY = Buffer.alloc(0);

/**
 * The cursors of all hubs, in two slots written in turn, so that a torn write leaves the one before. Each slot is one frame;
 * its offset is the generation, and the higher whole one counts. Bytes after the frame are left over and mean nothing.
 */
export class CursorFile {
  readonly #fileSystem: FileSystem;
  readonly #directory: string;
  readonly #files = new Map<string, File>();
  #generation = 0;
  #sizes = [0, 0];

  constructor(fileSystem: FileSystem, directory: string) {
    this.#fileSystem = fileSystem;
    this.#directory = directory;
  }

  get bytes(): number {
    return this.#sizes.reduce((sum, size) => sum + size, 0);
  }

  static isSlot(name: string): boolean {
    return SLOTS.some((slot) => slot === name);
  }

  /** The newest whole record and how many slots were damaged. */
  async read(): Promise<{ record: CursorRecord | undefined; damaged: number }> {
    let record: CursorRecord | undefined;
    let damaged = 0;
    for (const [index, slot] of SLOTS.entries()) {
      const bytes = await this.#readSlot(slot);
      if (bytes === undefined) continue;
      this.#sizes[index] = bytes.length;
      const frame = decodeFrame(bytes, 0);
      if (typeof frame !== 'object' || frame.kind !== 'cursors') damaged += 1;
      else if (frame.offset > this.#generation) {
        this.#generation = frame.offset;
        record = JSON.parse(frame.head.toString()) as CursorRecord;
      }
    }
    return { record, damaged };
  }

  /** Durable when it resolves. After a failure the next call takes the other slot. */
  async write(record: CursorRecord): Promise<void> {
    this.#generation += 1;
    const index = this.#generation % SLOTS.length;
    const head = Buffer.from(JSON.stringify(record));
    const bytes = encodeFrame({ kind: 'cursors', offset: this.#generation, index: 0, epoch: '0'.repeat(16), head, body: EMPTY });
    const slot = SLOTS[index] ?? SLOTS[0];
    const file = await this.#open(slot);
    try {
      await writeAll(file, bytes, 0);
      await file.datasync();
    } catch (error) {
      this.#files.delete(slot);
      await file.close().catch(() => {});
      throw error;
    }
    this.#sizes[index] = Math.max(this.#sizes[index] ?? 0, bytes.length);
  }

  async close(): Promise<void> {
    for (const file of this.#files.values()) await file.close().catch(() => {});
    this.#files.clear();
  }

  async #open(slot: string): Promise<File> {
    const known = this.#files.get(slot);
    if (known !== undefined) return known;
    const file = await this.#fileSystem.open(join(this.#directory, slot), 'write');
    this.#files.set(slot, file);
    await this.#fileSystem.syncDirectory(this.#directory);
    return file;
  }

  async #readSlot(slot: string): Promise<Buffer | undefined> {
    const names = await this.#fileSystem.list(this.#directory);
    if (!names.includes(slot)) return undefined;
    const file = await this.#fileSystem.open(join(this.#directory, slot), 'read');
    try {
      return await readUpTo(file, 0, await file.size());
    } finally {
      await file.close();
    }
  }
}
