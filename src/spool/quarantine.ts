import { join } from 'node:path';
import { type FileSystem, readUpTo, writeAll } from './file-system.ts';

/** Damaged bytes are kept for people to look at, the oldest making room for newer ones; it never gets in the way. */
export class Quarantine {
  readonly #fileSystem: FileSystem;
  readonly #directory: string;
  readonly #maxBytes: number;
  readonly #sizes = new Map<string, number>();

  constructor(fileSystem: FileSystem, spoolDirectory: string, maxBytes: number) {
    this.#fileSystem = fileSystem;
    this.#directory = join(spoolDirectory, 'quarantine');
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return [...this.#sizes.values()].reduce((sum, size) => sum + size, 0);
  }

  async open(): Promise<void> {
    try {
      await this.#measure();
      await this.#makeRoom(0);
    } catch {
      // As in `keep`.
    }
  }

  async #measure(): Promise<void> {
    await this.#fileSystem.makeDirectory(this.#directory);
    for (const name of (await this.#fileSystem.list(this.#directory)).toSorted()) {
      const file = await this.#fileSystem.open(join(this.#directory, name), 'read');
      this.#sizes.set(name, await file.size().finally(() => file.close()));
    }
  }

  /** Copies a stretch of a file, as much of it as is allowed. What fails is let be: the losses are declared anyway. */
  async keep(path: string, from: number, to: number): Promise<void> {
    const name = `${path.slice(path.lastIndexOf('/') + 1)}.${from}`;
    try {
      await this.#fileSystem.makeDirectory(this.#directory);
      const source = await this.#fileSystem.open(path, 'read');
      const bytes = await readUpTo(source, from, Math.min(to - from, this.#maxBytes)).finally(() => source.close());
      await this.#makeRoom(bytes.length);
      const target = await this.#fileSystem.open(join(this.#directory, name), 'write');
      await writeAll(target, bytes, 0).finally(() => target.close());
      this.#sizes.set(name, bytes.length);
    } catch {
      // The disk is ill; this is a copy for people.
    }
  }

  async #makeRoom(needed: number): Promise<void> {
    for (const name of this.#sizes.keys()) {
      if (this.bytes + needed <= this.#maxBytes) return;
      await this.#fileSystem.remove(join(this.#directory, name));
      this.#sizes.delete(name);
    }
  }
}
