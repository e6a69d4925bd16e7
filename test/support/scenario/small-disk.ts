import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmdirSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Whether this user may mount file systems here. */
export const canMount = tryMount();

/** A file system of a few megabytes in memory, that can be filled to its last byte. */
export class SmallDisk {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** `size` as mount takes it: `2m`. */
  static async mount(directory: string, size: string): Promise<SmallDisk> {
    const path = join(directory, 'disk');
    await mkdir(path);
    await run('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'fieldmarshal-test', path]);
    return new SmallDisk(path);
  }

  /** Takes all that is left. */
  async fill(): Promise<void> {
    await writeFile(this.#filler, Buffer.alloc(1 << 26)).then(
      () => assertNever(),
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOSPC') throw error;
      },
    );
  }

  async empty(): Promise<void> {
    await rm(this.#filler);
  }

  async unmount(): Promise<void> {
    await run('umount', [this.path]);
  }

  get #filler(): string {
    return join(this.path, 'of-somebody-else');
  }
}

function assertNever(): never {
  throw new Error('the disk is larger than this test can fill');
}

function tryMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const path = mkdtempSync(join(tmpdir(), 'mount-'));
  try {
    mkdirSync(path, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'fieldmarshal-test', path], { stdio: 'ignore' });
    execFileSync('umount', [path]);
    return true;
  } catch {
    return false;
  } finally {
    rmdirSync(path);
  }
}
