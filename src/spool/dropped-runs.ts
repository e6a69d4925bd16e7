import type { Loss } from './loss-ledger.ts';

interface Run {
  from: number;
  to: number;
}

/**
 * The numbers of each twin and hub that were dropped without one in between that arrived: the whole run is missing. So a
 * statement that is dropped itself, and made again, may be joined with newer ones, and a long silence does not fill the spool
 * with statements. In memory only: after a restart ranges are told apart that could have been one.
 */
export class DroppedRuns {
  readonly #runs = new Map<string, Run>();

  extend(loss: Loss, sequence: number): void {
    const key = keyOf(loss);
    const run = this.#runs.get(key);
    if (run?.to === sequence - 1) run.to = sequence;
    else if (run?.to !== sequence) this.#runs.set(key, { from: sequence, to: sequence });
  }

  covers(loss: Loss, range: { readonly from: number; readonly to: number }): boolean {
    const run = this.#runs.get(keyOf(loss));
    return run !== undefined && run.from <= range.from && range.to <= run.to;
  }
}

function keyOf({ twin, hub, epoch }: Loss): string {
  return JSON.stringify([twin, hub, epoch]);
}
