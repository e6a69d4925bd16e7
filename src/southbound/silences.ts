import type { DeviceGap, MissedPoint } from '../model/device-gap.ts';
import type { Batch } from '../model/reading.ts';
import type { Clock } from '../runtime/clock.ts';

/** A silence that lasts is told so often, so that nobody has to wait for its end to hear of it. */
export const TELL_LASTING_MS = 3_600_000;
/** What is over when it is told comes point by point: the others are waited for. */
const MORE_MAY_COME_MS = 1_000;
/** Of one device and reason one gap is told in this time; what comes sooner waits, and becomes one with what follows. */
export const TELL_AGAIN_MS = 60_000;

interface Silence extends Pick<DeviceGap, 'device' | 'reason' | 'isOfEvents'> {
  fromTimeMs: number;
  /** Up to then it was told already. */
  toldTimeMs: number;
  /** Of the last piece. */
  toTimeMs: number;
  readings: number;
  /** By id: those of a pattern may be told anew. */
  readonly points: Map<string, MissedPoint>;
  /** Whose points are in it already. */
  lastPoints: readonly MissedPoint[] | undefined;
  /** When it ended, where it has. */
  endTimeMs: number | undefined;
  /** When the last piece came, on the monotonic clock. */
  pieceMs: number;
  /** When it began, or was last told, on the monotonic clock. */
  sinceMs: number;
  /** Something is missing that was not told. */
  hasNews: boolean;
}

export interface SilencesOptions {
  readonly clock: Clock;
  readonly onGap: (gap: DeviceGap) => void;
}

/**
 * Puts together what devices miss, points and events apart: one gap for each silence, from its first piece to the first reading after it. A silence that lasts
 * is told every hour, each slice beginning where the one before ended. One that ends is told at once (a moment later where others may
 * end with it), unless another of the same
 * device and reason was told less than a minute ago; then it waits, and what comes meanwhile joins it: its span then covers what was
 * measured in between, its count does not.
 */
export class Silences {
  readonly #options: SilencesOptions;
  readonly #byDevice = new Map<string, Map<string, Silence>>();
  readonly #toldMs = new Map<string, number>();

  constructor(options: SilencesOptions) {
    this.#options = options;
  }

  take(gap: DeviceGap): void {
    const silence = this.#silenceOf(gap);
    silence.fromTimeMs = Math.max(silence.toldTimeMs, Math.min(silence.fromTimeMs, gap.fromTimeMs));
    silence.toTimeMs = Math.max(silence.toTimeMs, gap.toTimeMs);
    silence.readings += gap.readings;
    silence.hasNews = true;
    silence.endTimeMs = gap.isOver === true ? silence.toTimeMs : undefined;
    if (silence.lastPoints !== gap.points) for (const point of gap.points) silence.points.set(point.id, point);
    silence.lastPoints = gap.points;
    silence.pieceMs = this.#options.clock.monotonicMs();
  }

  /** A batch that comes shows which silences are over. To be called before it is handed on. */
  see({ device, readings, isHistory }: Batch): void {
    const silences = this.#byDevice.get(device);
    if (silences === undefined || isHistory === true) return;
    for (const silence of silences.values()) {
      if (silence.endTimeMs !== undefined) continue;
      const first = readings.find(({ point, quality }) => quality !== 'bad' && silence.points.has(point.id));
      if (first === undefined) continue;
      silence.endTimeMs = Math.max(silence.toTimeMs, Math.min(first.sourceTimeMs, this.#options.clock.nowMs()));
      this.#end(silence);
    }
  }

  /** Something has lasted so long that it is to be told. */
  get areLasting(): boolean {
    return this.#all().some((silence) => this.#isLasting(silence));
  }

  /** Tells what has waited, and what lasts: since long, or all of it. To be called now and then. */
  tellDue({ isAwayLong }: { readonly isAwayLong: boolean }): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const silence of this.#all()) {
      if (silence.endTimeMs !== undefined) {
        if (nowMs - silence.pieceMs >= MORE_MAY_COME_MS) this.#end(silence);
      } else if (isAwayLong || this.#isLasting(silence)) this.#slice(silence);
    }
  }

  #isLasting({ sinceMs, endTimeMs }: Silence): boolean {
    return endTimeMs === undefined && this.#options.clock.monotonicMs() - sinceMs >= TELL_LASTING_MS;
  }

  /** The clock on the wall is about to be set: what is missing up to now is told by the time that counted. */
  beforeStep(): void {
    for (const silence of this.#all()) {
      if (silence.endTimeMs === undefined) this.#slice(silence);
      else {
        this.#tell(silence, silence.endTimeMs);
        this.#forget(silence);
      }
    }
  }

  /** It was set: what lasts goes on in the new time. */
  stepped(byMs: number): void {
    for (const silence of this.#all()) {
      silence.toldTimeMs += byMs;
      silence.toTimeMs += byMs;
    }
  }

  /** Tells everything, as far as it is known now. */
  tellAll(): void {
    for (const silence of this.#all()) {
      this.#tell(silence, silence.endTimeMs ?? this.#nowTimeMs(silence));
      this.#forget(silence);
    }
  }

  #all(): readonly Silence[] {
    return [...this.#byDevice.values()].flatMap((silences) => [...silences.values()]);
  }

  #silenceOf({ device, reason, isOfEvents, fromTimeMs }: DeviceGap): Silence {
    const silences = this.#byDevice.get(device) ?? new Map<string, Silence>();
    this.#byDevice.set(device, silences);
    const what = { device, reason, ...(isOfEvents === undefined ? {} : { isOfEvents }) };
    const known = silences.get(keyOf(what));
    if (known !== undefined) return known;
    const silence: Silence = {
      ...{ ...what, fromTimeMs, toTimeMs: fromTimeMs, toldTimeMs: Number.NEGATIVE_INFINITY },
      ...{ readings: 0, points: new Map<string, MissedPoint>(), lastPoints: undefined, endTimeMs: undefined, hasNews: false },
      sinceMs: this.#options.clock.monotonicMs(),
      pieceMs: this.#options.clock.monotonicMs(),
    };
    silences.set(keyOf(silence), silence);
    return silence;
  }

  #end(silence: Silence): void {
    const toldMs = this.#toldMs.get(keyOf(silence)) ?? Number.NEGATIVE_INFINITY;
    if (silence.hasNews && this.#options.clock.monotonicMs() - toldMs < TELL_AGAIN_MS) return;
    this.#tell(silence, silence.endTimeMs ?? silence.toTimeMs);
    this.#forget(silence);
  }

  #slice(silence: Silence): void {
    const untilTimeMs = this.#nowTimeMs(silence);
    if (!this.#tell(silence, untilTimeMs)) return;
    silence.toldTimeMs = untilTimeMs;
    silence.toTimeMs = untilTimeMs;
    silence.readings = 0;
    silence.hasNews = false;
    silence.sinceMs = this.#options.clock.monotonicMs();
  }

  /** The clock on the wall may have been set back. */
  #nowTimeMs({ toTimeMs }: Silence): number {
    return Math.max(toTimeMs, this.#options.clock.nowMs());
  }

  /** Gives whether there was something to tell. */
  #tell(silence: Silence, toTimeMs: number): boolean {
    const { device, reason, isOfEvents, fromTimeMs, readings, points, hasNews } = silence;
    if (!hasNews) return false;
    this.#toldMs.set(keyOf(silence), this.#options.clock.monotonicMs());
    const what = { device, reason, ...(isOfEvents === undefined ? {} : { isOfEvents }) };
    this.#options.onGap({ ...what, points: [...points.values()], fromTimeMs, toTimeMs, readings });
    return true;
  }

  #forget(silence: Silence): void {
    const silences = this.#byDevice.get(silence.device);
    silences?.delete(keyOf(silence));
    if (silences?.size === 0) this.#byDevice.delete(silence.device);
  }
}

function keyOf({ device, reason, isOfEvents }: Pick<Silence, 'device' | 'reason' | 'isOfEvents'>): string {
  return `${device} ${reason}${isOfEvents === true ? ' of events' : ''}`;
}
