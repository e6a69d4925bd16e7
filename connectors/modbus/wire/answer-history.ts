/**
 * How long units take to answer, learnt as TCP learns the way to a peer (RFC 6298): a smoothed time and its deviation. What is
 * learnt never takes the place of `timeout` for a unit that is up: any device may once take longer than ever before (a store to
 * flash, a long cycle), and on a serial line an answer that was given up too early meets the next request. It is used where
 * nothing is lost by being wrong: for how long a unit that is down is listened for, and how long the line is kept quiet after a
 * missing answer.
 */
interface Times {
  smoothedMs: number;
  deviationMs: number;
}

const SMOOTH = 1 / 8;
const SMOOTH_DEVIATION = 1 / 4;
const DEVIATIONS = 4;
/** USB adapters hand over in lumps of up to 16 ms, and this machine may be busy. */
const LEAST_MS = 50;

export class AnswerHistory {
  readonly #byUnit = new Map<number, Times>();

  /** `afterMs`: from the end of the request to the beginning of the answer. */
  observe(unit: number, afterMs: number): void {
    const times = this.#byUnit.get(unit);
    if (times === undefined) {
      this.#byUnit.set(unit, { smoothedMs: afterMs, deviationMs: afterMs / 2 });
      return;
    }
    times.deviationMs += SMOOTH_DEVIATION * (Math.abs(afterMs - times.smoothedMs) - times.deviationMs);
    times.smoothedMs += SMOOTH * (afterMs - times.smoothedMs);
  }

  smoothedMs(unit: number): number | undefined {
    return this.#byUnit.get(unit)?.smoothedMs;
  }

  /** An answer that takes longer is as good as none; `mostMs` where nothing is known. */
  enoughMs(unit: number, mostMs: number): number {
    const times = this.#byUnit.get(unit);
    if (times === undefined) return mostMs;
    return Math.min(mostMs, Math.max(LEAST_MS, times.smoothedMs + DEVIATIONS * times.deviationMs));
  }

  /** How much later than expected an answer may still come. */
  lateMs(unit: number, mostMs: number): number {
    const times = this.#byUnit.get(unit);
    return times === undefined ? mostMs : Math.min(mostMs, Math.max(LEAST_MS, DEVIATIONS * times.deviationMs));
  }

  /** For `/status`, by unit, rounded to a tenth of a millisecond. */
  list(): Readonly<Record<string, { readonly answerMs: number; readonly deviationMs: number; readonly probeMs: number }>> {
    const known = [...this.#byUnit].map(([unit, { smoothedMs, deviationMs }]) => {
      const probeMs = this.enoughMs(unit, Number.POSITIVE_INFINITY);
      return [
        String(unit),
        { answerMs: tenths(smoothedMs), deviationMs: tenths(deviationMs), probeMs: tenths(probeMs) },
      ] as const;
    });
    return Object.fromEntries(known);
  }
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
