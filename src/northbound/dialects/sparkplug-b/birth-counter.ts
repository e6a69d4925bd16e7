import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../../runtime/log.ts';

/** `bdSeq`: +1 for each attempt to connect, 255 is followed by 0 (Sparkplug 3.0 §6.4.20). */
export class BirthCounter {
  readonly #file: string;
  readonly #directory: string;
  readonly #log: Log;
  #last: number | undefined;

  constructor(directory: string, hub: string, log: Log) {
    this.#directory = directory;
    this.#file = join(directory, `sparkplug-${hub}.json`);
    this.#log = log;
  }

  /** Of the last attempt. */
  get current(): number {
    return this.#last ?? 0;
  }

  /** On disk before it is used: a late death of the process before must never match the birth of this one. */
  async next(): Promise<number> {
    const last = this.#last ?? (await this.#read());
    this.#last = last === undefined ? 0 : (last + 1) % 256;
    try {
      await mkdir(this.#directory, { recursive: true });
      await writeFile(`${this.#file}.new`, JSON.stringify({ bdSeq: this.#last }), { mode: 0o640, flush: true });
      await rename(`${this.#file}.new`, this.#file);
    } catch (error) {
      this.#log.warn('birth count not kept', { file: this.#file, error });
    }
    return this.#last;
  }

  async #read(): Promise<number | undefined> {
    try {
      const { bdSeq } = JSON.parse(await readFile(this.#file, 'utf8')) as { bdSeq?: unknown };
      return typeof bdSeq === 'number' && Number.isInteger(bdSeq) && bdSeq >= 0 && bdSeq < 256 ? bdSeq : undefined;
    } catch {
      return undefined;
    }
  }
}
