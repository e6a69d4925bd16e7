import { readFile, rename, writeFile } from 'node:fs/promises';
import type { ClockDoubt, TwinMessage } from '../model/twin-message.ts';

/** What is kept over restarts. */
interface ClockRecord {
  /** The latest time that was known to be right; UTC, milliseconds since 1970. */
  readonly newestTimeMs: number;
  /** By boot of the machine: what to add to the time since then to have UTC, milliseconds. The latest are kept. */
  readonly boots: Readonly<{ [boot: string]: number }>;
}

const MAX_BOOTS = 16;

/**
 * What the gateway has learnt about time: until when time was known, and when the machine was switched on, for messages that
 * were stamped before anybody knew. In a file beside the spool; one that cannot be read or written costs corrections, nothing else.
 */
export class ClockKnowledge {
  readonly #path: string | undefined;
  readonly #boots = new Map<string, number>();
  #newestTimeMs = 0;

  private constructor(path: string | undefined) {
    this.#path = path;
  }

  /** Without a path it is kept in memory only. */
  static async read(path?: string): Promise<ClockKnowledge> {
    const knowledge = new ClockKnowledge(path);
    if (path !== undefined) await knowledge.#read(path);
    return knowledge;
  }

  get newestTimeMs(): number {
    return this.#newestTimeMs;
  }

  /** The time is known in this boot. */
  learn(boot: string, offsetMs: number, nowMs: number): void {
    this.#boots.delete(boot);
    this.#boots.set(boot, offsetMs);
    const [oldest] = this.#boots.keys();
    if (this.#boots.size > MAX_BOOTS && oldest !== undefined) this.#boots.delete(oldest);
    this.#newestTimeMs = nowMs;
  }

  /** With the right times where they have been learnt since; the same message where there is nothing to correct. */
  correct(message: TwinMessage): TwinMessage {
    const { clock } = message;
    const correctedByMs = clock === undefined ? undefined : this.#errorOf(clock);
    return correctedByMs === undefined ? message : shift(message, { ...clock, correctedByMs });
  }

  async save(): Promise<void> {
    if (this.#path === undefined) return;
    const record: ClockRecord = { newestTimeMs: this.#newestTimeMs, boots: Object.fromEntries(this.#boots) };
    try {
      await writeFile(`${this.#path}.new`, JSON.stringify(record), { mode: 0o640 });
      await rename(`${this.#path}.new`, this.#path);
    } catch {
      // It goes on in memory.
    }
  }

  #errorOf({ boot, offsetMs }: ClockDoubt): number | undefined {
    const right = boot === undefined ? undefined : this.#boots.get(boot);
    return right === undefined || offsetMs === undefined ? undefined : Math.round(right - offsetMs);
  }

  async #read(path: string): Promise<void> {
    try {
      const { newestTimeMs, boots } = JSON.parse(await readFile(path, 'utf8')) as Partial<ClockRecord>;
      if (Number.isSafeInteger(newestTimeMs)) this.#newestTimeMs = Number(newestTimeMs);
      for (const [boot, offsetMs] of Object.entries(boots ?? {})) if (Number.isFinite(offsetMs)) this.#boots.set(boot, offsetMs);
    } catch {
      // None was written yet, or it is damaged.
    }
  }
}

function shift(message: TwinMessage, clock: ClockDoubt & { readonly correctedByMs: number }): TwinMessage {
  const { startTimeMs, gap } = message;
  const right = (timeMs: number) => timeMs + clock.correctedByMs;
  return {
    ...message,
    clock,
    startTimeMs: right(startTimeMs),
    ...(gap === undefined ? {} : { gap: { ...gap, fromTimeMs: right(gap.fromTimeMs), toTimeMs: right(gap.toTimeMs) } }),
  };
}
