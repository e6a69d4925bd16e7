import type { Stored, TwinMessage } from '../../src/model/twin-message.ts';
import type { SpoolPlace, SpoolReader } from '../../src/spool/spool.ts';

/** The messages of one hub in memory, with a record of what was acknowledged and rejected. */
export class RecordedSpoolReader implements SpoolReader {
  readonly acknowledged: number[] = [];
  readonly rejected: { readonly stored: Stored; readonly reason: string }[] = [];
  readonly #stored: Stored[] = [];
  readonly #sequences = new Map<string, number>();
  isAtEnd = false;
  #next = 0;
  #wake: (() => void)[] = [];

  /** Offset up to which everything is acknowledged. */
  get cursor(): number {
    return this.acknowledged.at(-1) ?? 0;
  }

  get stored(): readonly Stored[] {
    return this.#stored;
  }

  append(message: TwinMessage): Stored {
    const sequence = (this.#sequences.get(message.twin) ?? 0) + 1;
    this.#sequences.set(message.twin, sequence);
    const offset = (this.#stored.length + 1) * 10;
    const stored: Stored = { class: 'telemetry', offset, sequence, epoch: 'e1', message };
    this.#stored.push(stored);
    for (const wake of this.#wake.splice(0)) wake();
    return stored;
  }

  async read(_maxBytes: number, signal: AbortSignal): Promise<readonly Stored[]> {
    for (;;) {
      signal.throwIfAborted();
      const batch = this.#stored.slice(this.#next, this.#next + 7);
      if (batch.length > 0) {
        this.#next += batch.length;
        return batch;
      }
      this.isAtEnd = true;
      await new Promise<void>((resolve) => {
        this.#wake.push(resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      this.isAtEnd = false;
    }
  }

  rewind(): void {
    this.#next = this.#stored.findIndex(({ offset }) => offset > this.cursor);
    if (this.#next === -1) this.#next = this.#stored.length;
  }

  liveFirst(): undefined {}

  acknowledge({ offset }: SpoolPlace): void {
    if (offset <= this.cursor) throw new Error(`acknowledged ${offset} after ${this.cursor}`);
    this.acknowledged.push(offset);
  }

  async reject(stored: Stored, reason: string): Promise<void> {
    this.rejected.push({ stored, reason });
  }
}

export function telemetry(twin: string, value: number, startTimeMs = Date.UTC(2026, 0, 1)): TwinMessage {
  return { twin, kind: 'telemetry', startTimeMs, values: { temperature: [[0, value]] } };
}

/** As it leaves the spool. */
export function stored(sequence: number): Stored {
  return { class: 'telemetry', offset: sequence * 10, sequence, epoch: 'e1', message: telemetry('press-07', sequence) };
}
