import { execFile } from 'node:child_process';
import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { canMount } from '../../test/support/scenario/small-disk.ts';

const run = promisify(execFile);
const SIZE_BYTES = 256 * 2 ** 20;
const SECTOR_BYTES = 512;
/** As on every disk of 512 MB and more; what is smaller would get blocks of 1 KB, which make a commit look cheap. */
const BLOCK_BYTES = 4_096;

/** An ext4 of its own on a loop device, whose kernel counts every byte that reaches it: data, and the journal of the file system. */
export class Flash {
  static readonly isPossible = canMount;
  readonly directory: string;
  readonly #image: string;
  readonly #device: string;

  private constructor(directory: string, image: string, device: string) {
    this.directory = directory;
    this.#image = image;
    this.#device = device;
  }

  static async mount(parent: string): Promise<Flash> {
    const [directory, image] = [join(parent, 'flash'), join(parent, 'flash.img')];
    await mkdir(directory);
    const file = await open(image, 'wx');
    await file.truncate(SIZE_BYTES);
    await file.close();
    // Nothing that the file system would otherwise write later by itself.
    const options = 'lazy_itable_init=0,lazy_journal_init=0';
    await run('mkfs.ext4', ['-q', '-b', String(BLOCK_BYTES), '-E', options, image]);
    await run('mount', ['-o', 'loop,noatime', image, directory]);
    return new Flash(directory, image, await deviceOf(image));
  }

  /** Bytes that have reached the device. */
  async writtenBytes(): Promise<number> {
    await run('sync', ['-f', this.directory]);
    const fields = (await readFile(`/sys/block/${this.#device}/stat`, 'utf8')).trim().split(/\s+/);
    return Number(fields[6]) * SECTOR_BYTES;
  }

  async unmount(): Promise<void> {
    await run('umount', [this.directory]);
    await rm(this.#image);
  }
}

async function deviceOf(image: string): Promise<string> {
  for (const name of (await readdir('/sys/block')).filter((device) => device.startsWith('loop'))) {
    const file = await readFile(`/sys/block/${name}/loop/backing_file`, 'utf8').catch(() => '');
    if (file.trim() === image) return name;
  }
  throw new Error(`no loop device of ${image}`);
}
