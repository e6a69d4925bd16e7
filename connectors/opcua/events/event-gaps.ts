import type { DeviceGap, MissedPoint } from '../../../src/model/device-gap.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import type { EventItem } from '../watching/event-item.ts';
import type { Missing } from '../watching/missing.ts';
import { missedOf } from '../watching/polling.ts';

export interface EventGapsContext {
  readonly missing: Pick<Missing, 'awayTimeMs'>;
  readonly clock: Clock;
  readonly onGap: (gap: DeviceGap) => void;
}

/** What happened and was not told: how many events that were, nobody knows. What is told here is over. */
export class EventGaps {
  readonly #context: EventGapsContext;
  /** Since then the server watches nothing for us; `undefined`: it does, or it never was to. */
  #awayTimeMs: number | undefined;

  /** To be made before anybody tells that the session is back. */
  constructor(context: EventGapsContext) {
    this.#context = context;
    this.#awayTimeMs = context.missing.awayTimeMs;
  }

  /** Empty: nothing is missing. */
  get awaySince(): readonly number[] {
    return this.#awayTimeMs === undefined ? [] : [this.#awayTimeMs];
  }

  /** The server watches them, from now on or still. */
  watch(items: readonly EventItem[], { isAdopted }: { readonly isAdopted: boolean }): void {
    const fromTimeMs = this.#awayTimeMs;
    this.#awayTimeMs = undefined;
    if (fromTimeMs !== undefined && !isAdopted) this.tell(items, 'device-away', fromTimeMs);
  }

  /** From then until now. */
  tell(items: readonly EventItem[], reason: DeviceGap['reason'], fromTimeMs: number): void {
    const { clock, onGap } = this.#context;
    const times = { fromTimeMs, toTimeMs: Math.max(fromTimeMs, clock.nowMs()) };
    for (const gap of missedOf(items.map(toMissed), { polls: 0, ...times }, reason))
      onGap({ ...gap, isOfEvents: true, isOver: true });
  }
}

export function toMissed({ device, name }: EventItem): MissedPoint {
  return { id: `${device}/${name}`, device, name };
}
