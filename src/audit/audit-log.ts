import { mkdir } from 'node:fs/promises';
import { type AuditPlace, encodeLine, type Fields } from './audit-line.ts';
import { AuditWriter } from './audit-writer.ts';
import { bounded } from './bounded.ts';
import { recover } from './recover.ts';

export interface AuditLogOptions {
  readonly directory: string;
  readonly nowMs: () => number;
  /** The oldest files give way when the log is larger; absent: everything is kept. */
  readonly maxBytes?: number;
  /** A file is closed when it has so many. */
  readonly fileBytes?: number;
  /** At the first failure of a row. */
  readonly onFailure?: (error: unknown) => void;
}

export interface AuditStatus {
  readonly state: 'ok' | 'degraded';
  /** Since start. */
  readonly entries: number;
  /** Of them those that were not written, because the disk refused for too long. */
  readonly lost: number;
  readonly error?: string;
}

export interface AuditLog {
  /** The `start` entry before this start, where it is not too long ago. */
  readonly lastStart?: Fields;
  /**
   * Never throws and nobody has to wait: resolves when the entry is durable, with its place in the chain; `undefined` where it was
   * lost. Entries are written in the order of the calls, those of one moment together.
   */
  append(kind: string, fields: Fields): Promise<AuditPlace | undefined>;
  status(): AuditStatus;
  /** Writes what waits, once more. Entries after it are lost. Idempotent. */
  close(): Promise<void>;
}

interface Waiting {
  readonly timeMs: number;
  readonly kind: string;
  readonly fields: Fields;
  readonly settle: (place: AuditPlace | undefined) => void;
}

interface Batch {
  readonly text: string;
  readonly places: readonly AuditPlace[];
  readonly waiting: readonly Waiting[];
}

const MAX_WAITING = 10_000;
const MAX_BATCH = 500;
const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 5_000;
const FILE_BYTES = 8 * 2 ** 20;

/** A disk that refuses costs the evidence, never the start: the log is then degraded, and goes on trying. */
export async function openAuditLog(options: AuditLogOptions): Promise<AuditLog> {
  const log = new ChainedLog(options);
  await log.open();
  return log;
}

class ChainedLog implements AuditLog {
  readonly #options: AuditLogOptions;
  readonly #writer: AuditWriter;
  readonly #waiting: Waiting[] = [];
  #batch: Batch | undefined;
  #isOpen = false;
  #isClosed = false;
  #working: Promise<void> | undefined;
  #wake: () => void = () => {};
  #entries = 0;
  #lost = 0;
  /** Not yet told in the chain. */
  #lostUntold = 0;
  #error: unknown;
  lastStart?: Fields;

  constructor(options: AuditLogOptions) {
    const { directory, maxBytes, fileBytes = Math.min(FILE_BYTES, (maxBytes ?? Number.POSITIVE_INFINITY) / 4) } = options;
    this.#options = options;
    this.#writer = new AuditWriter({ directory, fileBytes, ...(maxBytes === undefined ? {} : { maxBytes }) });
  }

  async open(): Promise<void> {
    try {
      await this.#recover();
    } catch (error) {
      this.#fail(error);
    }
  }

  append(kind: string, fields: Fields): Promise<AuditPlace | undefined> {
    this.#entries += 1;
    const { promise, resolve } = Promise.withResolvers<AuditPlace | undefined>();
    if (this.#isClosed || this.#waiting.length >= MAX_WAITING) this.#lose(resolve);
    else {
      this.#waiting.push({ timeMs: this.#options.nowMs(), kind, fields: bounded(fields), settle: resolve });
      this.#working ??= this.#work();
    }
    return promise;
  }

  status(): AuditStatus {
    const counts = { entries: this.#entries, lost: this.#lost };
    if (this.#error === undefined) return { state: 'ok', ...counts };
    return { state: 'degraded', ...counts, error: this.#error instanceof Error ? this.#error.message : String(this.#error) };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wake();
    await this.#working;
    for (const { settle } of [...(this.#batch?.waiting ?? []), ...this.#waiting.splice(0)]) this.#lose(settle);
    await this.#writer.close();
  }

  #lose(settle: Waiting['settle']): void {
    this.#lost += 1;
    this.#lostUntold += 1;
    settle(undefined);
  }

  async #recover(): Promise<void> {
    await mkdir(this.#options.directory, { recursive: true, mode: 0o750 });
    const { place, file, declaration, lastStart } = await recover(this.#options.directory);
    if (lastStart !== undefined) this.lastStart = lastStart;
    const entry = { timeMs: this.#options.nowMs(), kind: 'recovered', fields: declaration ?? {} };
    const declared = declaration === undefined ? { text: '', place } : encodeLine(place, entry);
    await this.#writer.begin(place, file);
    await this.#writer.write(declared.text, declared.place);
    this.#isOpen = true;
    this.#heal();
  }

  /** One batch after the other until nothing waits; a batch that the disk refused stays the same until it takes it. */
  async #work(): Promise<void> {
    // What is told in the same moment goes to the disk together.
    await Promise.resolve();
    for (let retryMs = FIRST_RETRY_MS; this.#batch !== undefined || this.#waiting.length > 0; ) {
      try {
        if (!this.#isOpen) await this.#recover();
        if (this.#batch === undefined) await this.#writer.rotate(this.#options.nowMs());
        this.#batch ??= this.#nextBatch();
        await this.#commit(this.#batch);
        retryMs = FIRST_RETRY_MS;
      } catch (error) {
        this.#fail(error);
        if (this.#isClosed) break;
        await this.#pause(retryMs);
        retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS);
      }
    }
    this.#working = undefined;
  }

  #nextBatch(): Batch {
    const waiting = this.#waiting.splice(0, MAX_BATCH);
    let place = this.#writer.place;
    let text = '';
    const add = (entry: Omit<Waiting, 'settle'>) => {
      const line = encodeLine(place, entry);
      text += line.text;
      place = line.place;
      return place;
    };
    if (this.#lostUntold > 0) add({ timeMs: this.#options.nowMs(), kind: 'lost', fields: { entries: this.#lostUntold } });
    this.#lostUntold = 0;
    return { places: waiting.map(add), text, waiting };
  }

  async #commit(batch: Batch): Promise<void> {
    await this.#writer.write(batch.text, batch.places.at(-1) ?? this.#writer.place);
    this.#batch = undefined;
    for (const [index, { settle }] of batch.waiting.entries()) settle(batch.places[index]);
    this.#heal();
  }

  #fail(error: unknown): void {
    if (this.#error === undefined) this.#options.onFailure?.(error);
    this.#error = error;
  }

  #heal(): void {
    this.#error = undefined;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
