import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A command that was taken once. */
export interface Seen {
  readonly device: string;
  readonly id: string;
  readonly expiresTimeMs: number;
}

export interface SeenStore {
  /** Remembers one more; `all` are those to be kept, this one included. Nobody waits for the disk. */
  add(seen: Seen, all: Iterable<Seen>): void;
}

export interface SeenFileOptions {
  readonly path: string;
  /** Lines in the file before it is written anew. */
  readonly maxLines?: number;
  /** At the first failure of a row: commands are then remembered in memory only. */
  readonly onFailure: (error: unknown) => void;
}

export interface OpenedSeenFile {
  readonly store: SeenStore;
  readonly seen: readonly Seen[];
  /** Something cannot be read, so there may be commands that nobody remembers. */
  readonly isDamaged: boolean;
  /** Resolves when everything is on disk, or was refused. */
  settle(): Promise<void>;
}

/** One line for each command, the newest last; written anew when it has become long. Never rejects. */
export async function openSeenFile(options: SeenFileOptions): Promise<OpenedSeenFile> {
  const { seen, isDamaged } = await readSeen(options);
  const store = new SeenFile(options, seen.length, isDamaged);
  return { store, seen, isDamaged, settle: () => store.settle() };
}

async function readSeen({ path, onFailure }: SeenFileOptions): Promise<{ seen: readonly Seen[]; isDamaged: boolean }> {
  try {
    const lines = (await readFile(path, 'utf8')).split('\n');
    const seen = lines.slice(0, -1).map(parse);
    const known = seen.filter((one) => one !== undefined);
    return { seen: known, isDamaged: known.length < seen.length || lines.at(-1) !== '' };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { seen: [], isDamaged: false };
    onFailure(error);
    return { seen: [], isDamaged: true };
  }
}

function parse(line: string): Seen | undefined {
  try {
    const [device, id, expiresTimeMs] = JSON.parse(line) as readonly unknown[];
    const isSeen = typeof device === 'string' && typeof id === 'string' && typeof expiresTimeMs === 'number';
    return isSeen ? { device, id, expiresTimeMs } : undefined;
  } catch {
    return undefined;
  }
}

function format({ device, id, expiresTimeMs }: Seen): string {
  return `${JSON.stringify([device, id, expiresTimeMs])}\n`;
}

class SeenFile implements SeenStore {
  readonly #options: SeenFileOptions;
  readonly #maxLines: number;
  #lines: number;
  #waiting = '';
  /** The whole file as it should be; what is appended to a file that is not whole would be lost. */
  #whole: string | undefined;
  #mustBegin: boolean;
  #hasFailed = false;
  #writing: Promise<void> | undefined;

  constructor(options: SeenFileOptions, lines: number, isDamaged: boolean) {
    this.#options = options;
    this.#maxLines = options.maxLines ?? 20_000;
    this.#lines = lines;
    this.#mustBegin = isDamaged;
  }

  add(seen: Seen, all: Iterable<Seen>): void {
    this.#lines += 1;
    if (this.#mustBegin || this.#lines > this.#maxLines) this.#begin([...all]);
    else this.#waiting += format(seen);
    this.#writing ??= this.#write();
  }

  async settle(): Promise<void> {
    await this.#writing;
  }

  #begin(all: readonly Seen[]): void {
    this.#whole = all.map(format).join('');
    this.#lines = all.length;
    this.#waiting = '';
    this.#mustBegin = false;
  }

  async #write(): Promise<void> {
    while (this.#whole !== undefined || this.#waiting !== '') {
      const [whole, more] = [this.#whole, this.#waiting];
      this.#whole = undefined;
      this.#waiting = '';
      try {
        if (whole !== undefined) await this.#replace(whole + more);
        else await put(this.#options.path, more, 'a');
        this.#hasFailed = false;
      } catch (error) {
        this.#mustBegin = true;
        if (!this.#hasFailed) this.#options.onFailure(error);
        this.#hasFailed = true;
      }
    }
    this.#writing = undefined;
  }

  async #replace(text: string): Promise<void> {
    const { path } = this.#options;
    await put(`${path}.new`, text, 'w');
    await rename(`${path}.new`, path);
  }
}

async function put(path: string, text: string, flags: 'a' | 'w'): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o750 });
  const file = await open(path, flags, 0o640);
  try {
    await file.writeFile(text);
    await file.datasync();
  } finally {
    await file.close();
  }
}
