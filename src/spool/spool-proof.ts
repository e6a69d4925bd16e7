import type { MessageClass } from '../model/twin-message.ts';
import { isAcknowledged } from './acknowledged.ts';
import type { LogView, SpoolItem, SpoolView } from './spool-view.ts';

/** What a whole reading of a spool has shown. */
export interface SpoolProof {
  readonly isSound: boolean;
  /** The most urgent class first. */
  readonly logs: readonly LogProof[];
}

export interface LogProof {
  readonly class: MessageClass;
  /** Every record is whole and no number between two others is missing. */
  readonly isSound: boolean;
  readonly segments: number;
  readonly bytes: number;
  readonly messages: number;
  readonly epochs: readonly string[];
  /** Ids of the keys that something is encrypted with. */
  readonly keys: readonly string[];
  readonly hubs: Readonly<Record<string, HubProof>>;
  readonly damage: readonly { readonly path: string; readonly from: number; readonly to: number }[];
  readonly damagedCursors: number;
  readonly holes: readonly Hole[];
}

export interface HubProof {
  readonly waitingMessages: number;
  readonly waitingReadings: number;
  /** When the oldest that waits was appended; UTC, milliseconds since 1970. */
  readonly oldestTimeMs?: number;
}

export interface Hole {
  readonly hub: string;
  readonly twin: string;
  readonly epoch: string;
  readonly from: number;
  readonly to: number;
}

const MAX_HOLES = 1_000;
const NOTHING = { offset: 0, messages: 0 };

export async function proveSpool(view: SpoolView): Promise<SpoolProof> {
  const logs: LogProof[] = [];
  for (const log of view.logs) logs.push(await proveLog(log));
  return { isSound: logs.every(({ isSound }) => isSound), logs };
}

async function proveLog(log: LogView): Promise<LogProof> {
  const book = new ProofBook(log);
  for await (const item of log.items()) book.see(item);
  return book.close();
}

class ProofBook {
  readonly #log: LogView;
  readonly #hubs = new Map<string, { waitingMessages: number; waitingReadings: number; oldestTimeMs?: number }>();
  readonly #last = new Map<string, number>();
  readonly #epochs = new Set<string>();
  readonly #damage: { path: string; from: number; to: number }[] = [];
  readonly #holes: Hole[] = [];
  #messages = 0;

  constructor(log: LogView) {
    this.#log = log;
    for (const hub of Object.keys(log.cursors?.cursors ?? {})) this.#hubs.set(hub, { waitingMessages: 0, waitingReadings: 0 });
  }

  see(item: SpoolItem): void {
    if (item.found === 'damage') {
      const { path, from, to, isLast } = item;
      // A commit under way looks so.
      if (!isLast) this.#damage.push({ path, from, to });
      return;
    }
    if (item.found === 'message') this.#messages += 1;
    this.#epochs.add(item.epoch);
    for (const [hub, sequence] of Object.entries(item.head.hubs)) {
      if (item.found === 'message') this.#count(hub, item);
      this.#compare(hub, item, sequence);
    }
  }

  close(): LogProof {
    const { class: name, segments, damagedCursors } = this.#log;
    const keys = segments.flatMap(({ head }) => head?.key ?? []);
    return {
      class: name,
      isSound: this.#damage.length === 0 && this.#holes.length === 0 && damagedCursors === 0,
      segments: segments.length,
      bytes: segments.reduce((sum, { bytes }) => sum + bytes, 0),
      messages: this.#messages,
      epochs: [...this.#epochs],
      keys: [...new Set(keys)],
      hubs: Object.fromEntries(this.#hubs),
      damage: this.#damage,
      damagedCursors,
      holes: this.#holes,
    };
  }

  #count(hub: string, { offset, head }: SpoolItem & { found: 'message' }): void {
    const counted = this.#hubs.get(hub) ?? { waitingMessages: 0, waitingReadings: 0 };
    this.#hubs.set(hub, counted);
    if (isAcknowledged(this.#log.cursors?.cursors[hub] ?? NOTHING, offset - 1)) return;
    counted.waitingMessages += 1;
    counted.waitingReadings += head.readings;
    counted.oldestTimeMs ??= head.at;
  }

  #compare(hub: string, { epoch, head: { twin } }: SpoolItem & { found: 'message' | 'thinned' }, sequence: number): void {
    const key = JSON.stringify([hub, twin, epoch]);
    const last = this.#last.get(key);
    this.#last.set(key, sequence);
    if (last === undefined || sequence === last + 1 || this.#holes.length >= MAX_HOLES) return;
    this.#holes.push({ hub, twin, epoch, from: last + 1, to: sequence - 1 });
  }
}
