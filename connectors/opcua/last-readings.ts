import type { Point } from '../../src/model/point.ts';
import type { Reading } from '../../src/model/reading.ts';

interface Doubt {
  /** The newest sample of the device. */
  readonly sample: Reading;
  readonly sinceMs: number;
}

/** What each point was last known to be, and which of that is in doubt. */
export class LastReadings {
  readonly #last = new Map<string, Reading>();
  readonly #doubts = new Map<string, Doubt>();

  isDoubted({ id }: Point): boolean {
    return this.#doubts.has(id);
  }

  /**
   * Takes note of new readings and gives them back. A doubted one that shows no newer sample gets the time of now: it was seen now
   * that the value still stands. A newer sample keeps its time, and ends the doubt unless the doubt is later.
   */
  take(readings: readonly Reading[], nowMs: number): readonly Reading[] {
    return readings.map((reading) => {
      const { id } = reading.point;
      const doubt = this.#doubts.get(id);
      const isOldSample = doubt !== undefined && reading.sourceTimeMs <= doubt.sample.sourceTimeMs;
      const taken = isOldSample ? { ...reading, sourceTimeMs: this.#notBefore(reading, nowMs) } : reading;
      if (doubt !== undefined && taken.sourceTimeMs < doubt.sinceMs) this.#doubts.set(id, { ...doubt, sample: reading });
      else this.#doubts.delete(id);
      this.#last.set(id, taken);
      return taken;
    });
  }

  /**
   * The last values of the points with quality `uncertain`; points that were never read or are `bad` anyway are left out. The time
   * is now: that of a status that is not good is when it was noticed (Part 4, SourceTimestamp).
   */
  doubt(points: readonly Point[], status: string, nowMs: number): readonly Reading[] {
    return points.flatMap((point): readonly Reading[] => {
      const last = this.#last.get(point.id);
      if (last === undefined || last.quality === 'bad') return [];
      const doubted: Reading = { ...last, quality: 'uncertain', status, sourceTimeMs: this.#notBefore(last, nowMs) };
      const sample = this.#doubts.get(point.id)?.sample ?? last;
      this.#doubts.set(point.id, { sample, sinceMs: doubted.sourceTimeMs });
      this.#last.set(point.id, doubted);
      return [doubted];
    });
  }

  /** The clock of the device may be ahead of ours. */
  #notBefore({ point }: Reading, nowMs: number): number {
    return Math.max(nowMs, this.#last.get(point.id)?.sourceTimeMs ?? nowMs);
  }
}
