import { join } from 'node:path';
import type { Acknowledged } from './acknowledged.ts';
import { type File, type FileSystem, readUpTo, writeAll } from './file-system.ts';
import { decodeFrame, encodeFrame } from './frame.ts';

export interface CursorRecord {
  /** What each hub has acknowledged. */
  readonly cursors: Readonly<Record<string, Acknowledged>>;
  /** The next free offset when this was written: everything below was committed once. */
  readonly nextOffset: number;
  /** First offset of a damaged segment → fingerprint of the losses already declared. */
  readonly declared: Readonly<Record<string, number>>;
  /** Running time of the spool, milliseconds. */
  readonly runMs: number;
}

/** What stands in a slot: the record, and which file it was written to. */
interface SlotRecord extends CursorRecord {
  readonly file: string;
}

export interface CursorsRead {
  /** The newest whole record. */
  readonly record: CursorRecord | undefined;
  /** How many slots were damaged. */
  readonly damaged: number;
  /** The newest slot is a copy of the file it was written to: the directory was copied, or a backup restored. */
  readonly isCopy: boolean;
}

const SLOTS = ['cursors-a', 'cursors-b'] as const;
const EMPTY = Buffer.alloc(0);

/**
 * The cursors of all hubs, in two slots written in turn, so that a torn write leaves the one before. Each slot is one frame;
 * its offset is the generation, and the higher whole one counts. Bytes after the frame are left over and mean nothing.
 *
 * A slot names the file it is in, because a restored backup would give out sequence numbers a second time: where the newest
 * slot is in another file, a new epoch begins. What this cannot see: a snapshot of the whole file system put back, a disk image,
 * a copy written over the files in place, and a copy without its cursors. After those, numbers used since may come again under
 * the same epoch; so restore into an empty directory, with the cursors, and file by file.
 */
export class CursorFile {
  readonly #fileSystem: FileSystem;
  readonly #directory: string;
  readonly #files = new Map<string, File>();
  readonly #identities = new Map<string, string>();
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

  async read(): Promise<CursorsRead> {
    let record: CursorRecord | undefined;
    let damaged = 0;
    let isCopy = false;
    this.#generation = 0;
    for (const [index, slot] of SLOTS.entries()) {
      const read = await this.#readSlot(slot);
      if (read === undefined) continue;
      const { bytes, identity } = read;
      this.#sizes[index] = bytes.length;
      const frame = decodeFrame(bytes, 0);
      if (typeof frame !== 'object' || frame.kind !== 'cursors') damaged += 1;
      else if (frame.offset > this.#generation) {
        this.#generation = frame.offset;
        const slotRecord = JSON.parse(frame.head.toString()) as SlotRecord;
        record = slotRecord;
        isCopy = slotRecord.file !== identity;
      }
    }
    return { record, damaged, isCopy };
  }

  /** Durable when it resolves. After a failure the next call takes the other slot. */
  async write(record: CursorRecord): Promise<void> {
    this.#generation += 1;
    const index = this.#generation % SLOTS.length;
    const slot = SLOTS[index] ?? SLOTS[0];
    const file = await this.#open(slot);
    const slotRecord: SlotRecord = { ...record, file: this.#identities.get(slot) ?? '' };
    const head = Buffer.from(JSON.stringify(slotRecord));
    const bytes = encodeFrame({ kind: 'cursors', offset: this.#generation, index: 0, epoch: '0'.repeat(16), head, body: EMPTY });
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
    try {
      this.#identities.set(slot, await file.identity());
      await this.#fileSystem.syncDirectory(this.#directory);
    } catch (error) {
      await file.close().catch(() => {});
      throw error;
    }
    this.#files.set(slot, file);
    return file;
  }

  async #readSlot(slot: string): Promise<{ bytes: Buffer; identity: string } | undefined> {
    const names = await this.#fileSystem.list(this.#directory);
    if (!names.includes(slot)) return undefined;
    const file = await this.#fileSystem.open(join(this.#directory, slot), 'read');
    try {
      return { bytes: await readUpTo(file, 0, await file.size()), identity: await file.identity() };
    } finally {
      await file.close();
    }
  }
}
