import { ERRORS, GatewayError } from '../model/error.ts';
import type { Stored } from '../model/twin-message.ts';
import type { ClassLanes, ClassLog, ClassReader } from './class-log.ts';
import type { Counters } from './counters.ts';
import type { Intake } from './intake.ts';
import type { ClassStatus, Draft } from './spool.ts';
import type { LogOptions } from './spool-options.ts';
import type { Turns } from './turns.ts';
import { WorkLoop } from './work-loop.ts';

export interface LateSpoolParts {
  readonly options: LogOptions;
  readonly intake: Intake;
  readonly counters: Counters;
  /** Of the whole spool. */
  readonly turns: Turns;
  /** Opens the log on the disk, taking over the intake. */
  readonly openLog: () => Promise<ClassLog>;
  readonly firstError: unknown;
}

/**
 * A log whose disk could not be read when the gateway started. The field side goes on in bounded memory, readers wait, and
 * the log is opened as soon as the disk lets it; from then on this only hands on.
 */
export class LateSpool implements ClassLog {
  readonly #parts: LateSpoolParts;
  readonly #loop: WorkLoop;
  readonly #readers: ReadonlyMap<string, LateReader>;
  #log: ClassLog | undefined;
  #error: unknown;
  #closing: Promise<void> | undefined;

  constructor(parts: LateSpoolParts) {
    this.#parts = parts;
    this.#error = parts.firstError;
    this.#readers = new Map(parts.options.hubs.map((hub) => [hub, new LateReader(hub)]));
    this.#tellFailure(this.#error);
    this.#loop = new WorkLoop({
      work: () => this.#openLog(),
      idleMs: Number.POSITIVE_INFINITY,
      onFailure: (error) => this.#onFailure(error),
      onHealed: () => {},
    });
    this.#loop.schedule(50);
  }

  get lastCommitMs(): number | undefined {
    return this.#log?.lastCommitMs;
  }

  append(drafts: readonly Draft[]): Promise<void> {
    if (this.#log !== undefined) return this.#log.append(drafts);
    if (this.#closing !== undefined) return Promise.reject(this.#closedError());
    return this.#parts.intake.append(drafts);
  }

  reader(hub: string): ClassReader {
    const reader = this.#readers.get(hub);
    if (reader === undefined) throw new GatewayError('BUG', hub, 'the spool was not told of this hub');
    return reader;
  }

  status(): ClassStatus {
    if (this.#log !== undefined) return this.#log.status();
    const hubs = Object.fromEntries([...this.#readers.keys()].map((hub) => [hub, { waitingMessages: 0 }]));
    const error = this.#error instanceof Error ? this.#error.message : String(this.#error);
    const { counters, options } = this.#parts;
    const nothing = { isDiskLow: false, isBlocked: false, epoch: '', bytes: 0, segments: 0, hubs };
    return { state: 'degraded', ...nothing, maxBytes: options.maxBytes, counters: counters.all(), error };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #openLog(): Promise<void> {
    if (this.#log !== undefined) return;
    try {
      this.#log = await this.#parts.openLog();
    } finally {
      this.#parts.intake.settleDropped();
    }
    for (const [hub, reader] of this.#readers) reader.open(this.#log.reader(hub));
    this.#parts.turns.next();
    this.#parts.options.onEvent({ level: 'info', event: 'disk recovered', fields: {} });
  }

  #onFailure(error: unknown): void {
    const isNews = String(error) !== String(this.#error);
    this.#error = error;
    if (isNews) this.#tellFailure(error);
  }

  #tellFailure(error: unknown): void {
    this.#parts.counters.add('write_errors', 1);
    const fields = { code: 'SPOOL_WRITE', error: String(error), action: ERRORS.SPOOL_WRITE.action };
    this.#parts.options.onEvent({ level: 'error', event: 'disk failed', fields });
  }

  async #close(): Promise<void> {
    await this.#loop.finish();
    this.#parts.turns.close();
    if (this.#log !== undefined) return this.#log.close();
    const messages = this.#parts.intake.close(this.#closedError());
    const fields = { messages };
    if (messages > 0) this.#parts.options.onEvent({ level: 'error', event: 'messages lost at close', fields });
  }

  #closedError(): GatewayError {
    return new GatewayError('SPOOL_WRITE', this.#parts.options.directory, 'the spool is closed');
  }
}

class LateReader implements ClassReader {
  readonly #hub: string;
  #reader: ClassReader | undefined;

  constructor(hub: string) {
    this.#hub = hub;
  }

  open(reader: ClassReader): void {
    this.#reader = reader;
  }

  async take(maxBytes: number): Promise<readonly Stored[] | 'later'> {
    return this.#reader === undefined ? [] : this.#reader.take(maxBytes);
  }

  rewind(): void {
    this.#reader?.rewind();
  }

  liveFirst(maxBehind: number): ClassLanes | undefined {
    return this.#reader?.liveFirst(maxBehind);
  }

  acknowledge(offset: number): void {
    this.#reader?.acknowledge(offset);
  }

  async reject(stored: Stored, reason: string): Promise<void> {
    if (this.#reader === undefined) throw new GatewayError('BUG', this.#hub, 'nothing was read yet');
    return this.#reader.reject(stored, reason);
  }
}
