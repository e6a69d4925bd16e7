import type { Gap, TwinMessage } from '../model/twin-message.ts';

/** Why a message will never arrive. `rejected` and others come from the hub. */
export interface Loss extends Gap {
  readonly twin: string;
  readonly hub: string;
}

/** Losses not yet declared, one entry for each twin, hub and reason, so that a long silence costs little memory. */
export class LossLedger {
  #losses = new Map<string, Loss>();

  get isEmpty(): boolean {
    return this.#losses.size === 0;
  }

  add(loss: Loss): void {
    const key = JSON.stringify([loss.twin, loss.hub, loss.reason, loss.epoch]);
    const known = this.#losses.get(key);
    this.#losses.set(key, known === undefined ? loss : merge(known, loss));
  }

  /** Hands out all; what could not be written comes back by `add`. */
  take(): readonly Loss[] {
    const losses = [...this.#losses.values()];
    this.#losses = new Map();
    return losses;
  }
}

/** Range and times cover both; the counts are exact. */
function merge(a: Loss, b: Loss): Loss {
  const { fromSequence, toSequence, points, ...rest } = { ...a };
  const from = least(fromSequence, b.fromSequence);
  const to = greatest(toSequence, b.toSequence);
  const names = [...new Set([...(points ?? []), ...(b.points ?? [])])];
  return {
    ...rest,
    ...(from === undefined ? {} : { fromSequence: from }),
    ...(to === undefined ? {} : { toSequence: to }),
    ...(names.length === 0 ? {} : { points: names }),
    fromTimeMs: Math.min(a.fromTimeMs, b.fromTimeMs),
    toTimeMs: Math.max(a.toTimeMs, b.toTimeMs),
    messages: a.messages + b.messages,
    readings: a.readings + b.readings,
  };
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

function greatest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}

export function gapMessage({ twin, hub: _, ...gap }: Loss): TwinMessage {
  return { twin, kind: 'gap', startTimeMs: gap.fromTimeMs, values: {}, gap };
}
