import type { Gap } from '../model/twin-message.ts';

/** Why a message will never arrive. `rejected` and others come from the hub. */
export interface Loss extends Gap {
  readonly twin: string;
  readonly hub: string;
}

/** Whether every number of a range is known to be missing at the hub. */
export type IsMissing = (loss: Loss, range: { readonly from: number; readonly to: number }) => boolean;

/** About what a gap record takes on disk without its names. */
const STATEMENT_BYTES = 600;

/**
 * Losses not yet declared. Those of one twin, hub, reason and epoch become one entry, so that a long silence costs little, but
 * never so that a number between two ranges is claimed that may have arrived.
 */
export class LossLedger {
  readonly #isMissing: IsMissing;
  #losses = new Map<string, Loss[]>();

  constructor(isMissing: IsMissing = () => false) {
    this.#isMissing = isMissing;
  }

  /** About what the gap records will take on disk. */
  get bytes(): number {
    let bytes = 0;
    for (const [key, losses] of this.#losses) bytes += losses.length * (STATEMENT_BYTES + 2 * key.length);
    return bytes;
  }

  add(loss: Loss): void {
    const key = JSON.stringify([loss.twin, loss.hub, loss.reason, loss.epoch]);
    const known = this.#losses.get(key) ?? [];
    const index = known.findLastIndex((other) => this.#areOne(other, loss));
    const other = known[index];
    if (other === undefined) known.push(loss);
    else known[index] = merge(other, loss);
    this.#losses.set(key, known);
  }

  /** Hands out all; what could not be written comes back by `add`. */
  take(): readonly Loss[] {
    const losses = [...this.#losses.values()].flat();
    this.#losses = new Map();
    return losses;
  }

  #areOne(a: Loss, b: Loss): boolean {
    if (a.toSequence === undefined || b.toSequence === undefined) return a.toSequence === b.toSequence;
    if (a.fromSequence === undefined || b.fromSequence === undefined) return a.fromSequence === b.fromSequence;
    if (a.fromSequence <= b.toSequence + 1 && b.fromSequence <= a.toSequence + 1) return true;
    const from = Math.min(a.fromSequence, b.fromSequence);
    return this.#isMissing(a, { from, to: Math.max(a.toSequence, b.toSequence) });
  }
}

/** Range and times cover both; the counts are exact. */
function merge(a: Loss, b: Loss): Loss {
  const { fromSequence: from, toSequence: to } = a;
  const points = [...new Set([...(a.points ?? []), ...(b.points ?? [])])];
  return {
    ...a,
    ...(from === undefined ? {} : { fromSequence: Math.min(from, b.fromSequence ?? from) }),
    ...(to === undefined ? {} : { toSequence: Math.max(to, b.toSequence ?? to) }),
    ...(points.length === 0 ? {} : { points }),
    fromTimeMs: Math.min(a.fromTimeMs, b.fromTimeMs),
    toTimeMs: Math.max(a.toTimeMs, b.toTimeMs),
    messages: a.messages + b.messages,
    readings: a.readings + b.readings,
  };
}
