import { GatewayError } from '../model/error.ts';
import type { Stored } from '../model/twin-message.ts';
import type { Counters } from './counters.ts';
import type { Intake } from './intake.ts';
import type { Draft, Lanes, Spool, SpoolPlace, SpoolReader, SpoolStatus } from './spool.ts';
import type { SpoolOptions } from './spool-options.ts';
import { Turns } from './turns.ts';
import { WorkLoop } from './work-loop.ts';

export interface LateSpoolParts {
  readonly options: SpoolOptions;
  readonly intake: Intake;
  readonly counters: Counters;
  /** Opens the log on the disk, taking over the intake. */
  readonly openLog: () => Promise<Spool>;
  /** Frees the lock when the log was never opened. */
  readonly release: () => Promise<void>;
  readonly firstError: unknown;
}

/**
 * A spool whose disk could not be read when the gateway started. The field side goes on in bounded memory, readers wait, and
 * the log is opened as soon as the disk lets it; from then on this only hands on.
 */
export class LateSpool implements Spool {
  readonly #parts: LateSpoolParts;
  readonly #turns: Turns;
  readonly #loop: WorkLoop;
  readonly #readers = new Map<string, LateReader>();
  #log: Spool | undefined;
  #error: unknown;
  #closing: Promise<void> | undefined;

  constructor(parts: LateSpoolParts) {
    this.#parts = parts;
    this.#error = parts.firstError;
    this.#turns = new Turns(parts.options.directory);
    for (const hub of parts.options.hubs) this.#readers.set(hub, new LateReader(hub, this.#turns));
    this.#tellFailure(this.#error);
    this.#loop = new WorkLoop({
      work: () => this.#openLog(),
      idleMs: Number.POSITIVE_INFINITY,
      onFailure: (error) => this.#onFailure(error),
      onHealed: () => {},
    });
    this.#loop.schedule(50);
  }

  append(drafts: readonly Draft[]): Promise<void> {
    if (this.#log !== undefined) return this.#log.append(drafts);
    if (this.#closing !== undefined) return Promise.reject(this.#closedError());
    return this.#parts.intake.append(drafts);
  }

  reader(hub: string): SpoolReader {
    const reader = this.#readers.get(hub);
    if (reader === undefined) throw new GatewayError('BUG', hub, 'the spool was not told of this hub');
    return reader;
  }

  status(): SpoolStatus {
    if (this.#log !== undefined) return this.#log.status();
    const hubs = Object.fromEntries([...this.#readers.keys()].map((hub) => [hub, { waitingMessages: 0 }]));
    const error = this.#error instanceof Error ? this.#error.message : String(this.#error);
    const counters = this.#parts.counters.all();
    return { state: 'degraded', epoch: '', bytes: 0, segments: 0, hubs, counters, error };
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
    this.#turns.next();
    this.#parts.options.onEvent({ level: 'info', event: 'disk recovered', fields: {} });
  }

  #onFailure(error: unknown): void {
    const isNews = String(error) !== String(this.#error);
    this.#error = error;
    if (isNews) this.#tellFailure(error);
  }

  #tellFailure(error: unknown): void {
    this.#parts.counters.add('write_errors', 1);
    const fields = { code: 'SPOOL_WRITE', error: String(error) };
    this.#parts.options.onEvent({ level: 'error', event: 'disk failed', fields });
  }

  async #close(): Promise<void> {
    await this.#loop.finish();
    this.#turns.close();
    if (this.#log !== undefined) return this.#log.close();
    const messages = this.#parts.intake.close(this.#closedError());
    const fields = { messages };
    if (messages > 0) this.#parts.options.onEvent({ level: 'error', event: 'messages lost at close', fields });
    await this.#parts.release();
  }

  #closedError(): GatewayError {
    return new GatewayError('SPOOL_WRITE', this.#parts.options.directory, 'the spool is closed');
  }
}

class LateReader implements SpoolReader {
  readonly #hub: string;
  readonly #turns: Turns;
  #reader: SpoolReader | undefined;

  constructor(hub: string, turns: Turns) {
    this.#hub = hub;
    this.#turns = turns;
  }

  open(reader: SpoolReader): void {
    this.#reader = reader;
  }

  async read(maxBytes: number, signal: AbortSignal): Promise<readonly Stored[]> {
    signal.throwIfAborted();
    if (this.#reader === undefined) await this.#turns.changed(0, signal);
    return (await this.#opened()).read(maxBytes, signal);
  }

  rewind(): void {
    this.#reader?.rewind();
  }

  liveFirst(maxBehind: number): Lanes | undefined {
    return this.#reader?.liveFirst(maxBehind);
  }

  acknowledge(last: SpoolPlace): void {
    this.#reader?.acknowledge(last);
  }

  async reject(stored: Stored, reason: string): Promise<void> {
    return (await this.#opened()).reject(stored, reason);
  }

  async #opened(): Promise<SpoolReader> {
    if (this.#reader === undefined) throw new GatewayError('BUG', this.#hub, 'nothing was read yet');
    return this.#reader;
  }
}
