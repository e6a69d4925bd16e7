import type { Point } from '../../src/model/point.ts';
import type { Reading } from '../../src/model/reading.ts';
import { isSame } from '../../src/model/value.ts';

interface Entry {
  /** As the device sampled it. */
  sample: Reading;
  /** As it was told. */
  told: Reading;
  /** From then on nobody knows whether the value still stands. */
  doubtedSinceMs: number | undefined;
  /** It was read while the server may still be about to send it by itself. */
  ahead?: Reading | undefined;
}

/** What each point was last known to be, and which of that is in doubt. Outlives the sessions. */
export class LastReadings {
  readonly #entries = new Map<string, Entry>();

  isDoubted({ id }: Point): boolean {
    return this.#entries.get(id)?.doubtedSinceMs !== undefined;
  }

  /** The last reading as the device sampled it. */
  sample({ id }: Point): Reading | undefined {
    return this.#entries.get(id)?.sample;
  }

  forget(points: readonly Point[]): void {
    for (const { id } of points) this.#entries.delete(id);
  }

  /**
   * Takes note of new readings and gives them back. A doubted one that shows no newer sample gets the time of now: it was seen now
   * that the value still stands. A newer sample keeps its time, and ends the doubt unless the doubt is later. What `takeAhead`
   * gave already is left out.
   */
  take(readings: readonly Reading[], nowMs: number): readonly Reading[] {
    const taken: Reading[] = [];
    for (const reading of readings) {
      const entry = this.#entries.get(reading.point.id);
      if (entry === undefined) {
        this.#entries.set(reading.point.id, { sample: reading, told: reading, doubtedSinceMs: undefined });
      } else if (entry.ahead !== undefined && isSameSample(entry.ahead, reading)) {
        entry.ahead = undefined;
        continue;
      } else {
        entry.told = entry.doubtedSinceMs === undefined ? reading : settle(entry, reading, nowMs);
        entry.sample = reading;
      }
      taken.push(entry?.told ?? reading);
    }
    return taken;
  }

  /** The same for what was read of points that the server tells by itself, too, perhaps a moment later. */
  takeAhead(readings: readonly Reading[], nowMs: number): readonly Reading[] {
    const isNews = ({ point, sourceTimeMs }: Reading) => sourceTimeMs > (this.sample(point)?.sourceTimeMs ?? 0);
    const news = readings.filter(isNews);
    const taken = this.take(readings, nowMs);
    for (const reading of news) {
      const entry = this.#entries.get(reading.point.id);
      if (entry !== undefined) entry.ahead = reading;
    }
    return taken;
  }

  /**
   * The last values of the points with quality `uncertain`; points that were never read or are `bad` anyway are left out. The time
   * is now: that of a status that is not good is when it was noticed (Part 4, SourceTimestamp).
   */
  doubt(points: readonly Point[], status: string, nowMs: number): readonly Reading[] {
    return points.flatMap((point): readonly Reading[] => {
      const entry = this.#entries.get(point.id);
      if (entry === undefined || entry.told.quality === 'bad') return [];
      entry.told = { ...entry.told, quality: 'uncertain', status, sourceTimeMs: notBefore(entry, nowMs) };
      entry.doubtedSinceMs = entry.told.sourceTimeMs;
      return [entry.told];
    });
  }

  /** The session was lost, and every point was told to be bad. */
  lose(points: readonly Point[], nowMs: number): void {
    for (const point of points) {
      const entry = this.#entries.get(point.id);
      if (entry !== undefined) entry.doubtedSinceMs = notBefore(entry, nowMs);
    }
  }
}

function isSameSample(a: Reading, b: Reading): boolean {
  return a.sourceTimeMs === b.sourceTimeMs && a.quality === b.quality && isSame(a.value, b.value);
}

function settle(entry: Entry, reading: Reading, nowMs: number): Reading {
  const isSeenAgain = reading.sourceTimeMs <= entry.sample.sourceTimeMs;
  const told = isSeenAgain ? { ...reading, sourceTimeMs: notBefore(entry, nowMs) } : reading;
  if (told.sourceTimeMs >= (entry.doubtedSinceMs ?? 0)) entry.doubtedSinceMs = undefined;
  return told;
}

/** The clock of the device may be ahead of ours. */
function notBefore({ told }: Entry, nowMs: number): number {
  return Math.max(nowMs, told.sourceTimeMs);
}
