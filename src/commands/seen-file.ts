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
  /** UTC, milliseconds since 1970. */
  readonly nowMs: number;
  /** Lines in the file before it is written anew. */
  readonly maxLines?: number;
  /** At the first failure of a row: commands are then remembered in memory only. */
  readonly onFailure: (error: unknown) => void;
}

export interface OpenedSeenFile {
  readonly store: SeenStore;
  readonly seen: readonly Seen[];
  /** Something could not be read, now or lately, so until then there may be commands that nobody remembers; UTC, milliseconds since 1970. */
  readonly distrustUntilTimeMs?: number;
  /** Resolves when everything is on disk, or was refused. */
  settle(): Promise<void>;
}

interface Contents {
  readonly seen: readonly Seen[];
  readonly isDamaged: boolean;
  /** Of damage that was found before this start. */
  readonly distrustUntilTimeMs?: number;
}

/** What a redelivery by anybody on the way takes at most. */
const DISTRUST_MS = 3_600_000;
/** Before the time until which the file is not to be trusted, in a line of its own. */
const DISTRUST = 'distrust';

/** One line for each command, the newest last; written anew when it has become long. Never rejects. */
export async function openSeenFile(options: SeenFileOptions): Promise<OpenedSeenFile> {
  const { seen, isDamaged, distrustUntilTimeMs: before = 0 } = await readSeen(options);
  const { nowMs } = options;
  const untilTimeMs = isDamaged ? Math.max(before, nowMs + DISTRUST_MS) : before;
  const distrust = untilTimeMs > nowMs ? { distrustUntilTimeMs: untilTimeMs } : {};
  const store = new SeenFile({ ...options, ...distrust }, seen.length, isDamaged);
  return { store, seen, ...distrust, settle: () => store.settle() };
}

async function readSeen({ path, onFailure }: SeenFileOptions): Promise<Contents> {
  try {
    const lines = (await readFile(path, 'utf8')).split('\n');
    const parsed = lines.slice(0, -1).map(parse);
    const seen = parsed.filter((one) => typeof one === 'object');
    const distrustUntilTimeMs = parsed.findLast((one) => typeof one === 'number');
    const isDamaged = parsed.includes(undefined) || lines.at(-1) !== '';
    return { seen, isDamaged, ...(distrustUntilTimeMs === undefined ? {} : { distrustUntilTimeMs }) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { seen: [], isDamaged: false };
    onFailure(error);
    return { seen: [], isDamaged: true };
  }
}

/** A command; or until when the file is not to be trusted. */
function parse(line: string): Seen | number | undefined {
  try {
    const [device, id, expiresTimeMs] = JSON.parse(line) as readonly unknown[];
    if (device === DISTRUST && typeof id === 'number') return id;
    const isSeen = typeof device === 'string' && typeof id === 'string' && typeof expiresTimeMs === 'number';
    return isSeen ? { device, id, expiresTimeMs } : undefined;
  } catch {
    return undefined;
  }
}

function format({ device, id, expiresTimeMs }: Seen): string {
  return `${JSON.stringify([device, id, expiresTimeMs])}\n`;
}

type WriterOptions = SeenFileOptions & Pick<OpenedSeenFile, 'distrustUntilTimeMs'>;

class SeenFile implements SeenStore {
  readonly #options: WriterOptions;
  readonly #maxLines: number;
  #lines: number;
  #waiting = '';
  /** The whole file as it should be; what is appended to a file that is not whole would be lost. */
  #whole: string | undefined;
  #mustBegin: boolean;
  #hasFailed = false;
  #writing: Promise<void> | undefined;

  constructor(options: WriterOptions, lines: number, isDamaged: boolean) {
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
    const { distrustUntilTimeMs } = this.#options;
    const distrust = distrustUntilTimeMs === undefined ? '' : `${JSON.stringify([DISTRUST, distrustUntilTimeMs])}\n`;
    this.#whole = distrust + all.map(format).join('');
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
