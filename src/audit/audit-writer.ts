import { type FileHandle, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileName, listFiles, openOrCreate, syncDirectory, writeHead } from './audit-files.ts';
import { type AuditPlace, encodeLine, ORIGIN, piecesOf } from './audit-line.ts';

export interface AuditWriterOptions {
  readonly directory: string;
  readonly fileBytes: number;
  readonly maxBytes?: number;
}

/** Puts lines behind the last durable one. What failed may be tried again with the same bytes: nothing is written twice. */
export class AuditWriter {
  readonly #options: AuditWriterOptions;
  #file: FileHandle | undefined;
  #name: string | undefined;
  #size = 0;
  #place = ORIGIN;

  constructor(options: AuditWriterOptions) {
    this.#options = options;
  }

  /** Of the last durable line. */
  get place(): AuditPlace {
    return this.#place;
  }

  async begin(place: AuditPlace, file: { readonly name: string; readonly size: number } | undefined): Promise<void> {
    await this.close();
    this.#place = place;
    this.#name = file?.name;
    this.#size = file?.size ?? 0;
  }

  /** Durable when it resolves. What stands behind it in the file is cut off. */
  async write(text: string, place: AuditPlace): Promise<void> {
    const bytes = Buffer.from(text);
    const file = await this.#open();
    try {
      for (let done = 0; done < bytes.length; ) {
        done += (await file.write(bytes, done, bytes.length - done, this.#size + done)).bytesWritten;
      }
      await file.truncate(this.#size + bytes.length);
      await file.datasync();
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#size += bytes.length;
    this.#place = place;
    // A head that stays behind is no harm: the log itself is the truth.
    await writeHead(this.#options.directory, place).catch(() => {});
  }

  /** Begins a new file where this one is full, and lets the oldest go where the log is too large; the chain tells which. */
  async rotate(nowMs: number): Promise<void> {
    if (this.#size < this.#options.fileBytes) return;
    await this.close();
    this.#name = undefined;
    this.#size = 0;
    const { maxBytes } = this.#options;
    while (maxBytes !== undefined && (await this.#bytes()) > maxBytes - this.#options.fileBytes) {
      if (!(await this.#deleteOldest(nowMs))) break;
    }
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close().catch(() => {});
  }

  async #open(): Promise<FileHandle> {
    if (this.#file !== undefined) return this.#file;
    const { directory } = this.#options;
    this.#name ??= fileName(this.#place.sequence + 1);
    this.#file = await openOrCreate(join(directory, this.#name));
    await syncDirectory(directory);
    return this.#file;
  }

  async #bytes(): Promise<number> {
    const { directory } = this.#options;
    const sizes = (await listFiles(directory)).map(async (name) => (await stat(join(directory, name))).size);
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  }

  async #deleteOldest(nowMs: number): Promise<boolean> {
    const { directory } = this.#options;
    const [oldest, next] = await listFiles(directory);
    if (oldest === undefined || next === undefined || oldest === this.#name) return false;
    const last = [...piecesOf(await readFile(join(directory, oldest)))].findLast(({ line }) => line !== undefined)?.line;
    const fields = { file: oldest, through: last?.sequence, throughHash: last?.hash };
    const { text, place } = encodeLine(this.#place, { timeMs: nowMs, kind: 'deleted', fields });
    await this.write(text, place);
    await unlink(join(directory, oldest));
    return true;
  }
}
