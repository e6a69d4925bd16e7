import { type FileHandle, mkdir, open, readdir, rename, stat, statfs, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What the spool needs of a disk, and nothing else, so that a simulated one can tear writes and cut the power. */
export interface FileSystem {
  /** With its parents; no error when it exists. */
  makeDirectory(path: string): Promise<void>;
  /** Names of the plain files in a directory. */
  list(path: string): Promise<readonly string[]>;
  /** `create` fails when the file exists, `write` makes it when it does not, `read` fails when it does not. */
  open(path: string, mode: 'create' | 'write' | 'read'): Promise<File>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Bytes that this user may still write to the disk that the path is on. */
  freeBytes(path: string): Promise<number>;
  /** Makes created, renamed and removed names durable. */
  syncDirectory(path: string): Promise<void>;
}

/** Positional only: there is no file pointer. */
export interface File {
  size(): Promise<number>;
  /** The same as long as it is this very file, wherever it is moved on its disk; a copy has another. */
  identity(): Promise<string>;
  /** Bytes read, fewer at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Bytes written, perhaps fewer than given. */
  write(bytes: Uint8Array, position: number): Promise<number>;
  datasync(): Promise<void>;
  truncate(size: number): Promise<void>;
  close(): Promise<void>;
}

const FLAGS = { create: 'wx+', write: 'r+', read: 'r' } as const;

class DiskFile implements File {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  async identity(): Promise<string> {
    const { ino, birthtimeNs } = await this.#handle.stat({ bigint: true });
    return `${ino}.${birthtimeNs}`;
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    return (await this.#handle.read(into, 0, into.length, position)).bytesRead;
  }

  async write(bytes: Uint8Array, position: number): Promise<number> {
    return (await this.#handle.write(bytes, 0, bytes.length, position)).bytesWritten;
  }

  datasync(): Promise<void> {
    return this.#handle.datasync();
  }

  truncate(size: number): Promise<void> {
    return this.#handle.truncate(size);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** One step at a time: Node's own recursive mkdir never ends where the kernel takes no directories, as below /proc. */
async function makeDirectory(path: string): Promise<void> {
  if ((await stat(path).catch(() => undefined))?.isDirectory() === true) return;
  const above = dirname(path);
  if (above !== path) await makeDirectory(above);
  await mkdir(path, { mode: 0o750 }).catch(async (error: unknown) => {
    if (!(await stat(path).catch(() => undefined))?.isDirectory()) throw error;
  });
}

export const diskFileSystem: FileSystem = {
  makeDirectory,
  list: async (path) => {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  },
  open: async (path, mode) => {
    try {
      return new DiskFile(await open(path, FLAGS[mode], 0o640));
    } catch (error) {
      if (mode !== 'write' || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return new DiskFile(await open(path, 'wx+', 0o640));
    }
  },
  rename,
  remove: unlink,
  freeBytes: async (path) => {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  },
  syncDirectory: async (path) => {
    const directory = await open(path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  },
};

/** A short write comes before the error that explains it (disk full), so go on until it is all there or it throws. */
export async function writeAll(file: File, bytes: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const count = await file.write(bytes.subarray(written), position + written);
    if (count === 0) throw Object.assign(new Error('the disk took no byte'), { code: 'ENOSPC' });
    written += count;
  }
}

/** As many bytes as there are, up to `length`. */
export async function readUpTo(file: File, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let count = 0;
  while (count < length) {
    const step = await file.read(bytes.subarray(count), position + count);
    if (step === 0) break;
    count += step;
  }
  return bytes.subarray(0, count);
}
