import assert from 'node:assert/strict';
import { isUnmeasured } from '../../../src/model/device-gap.ts';

/** What a subscriber sees of a message, as far as completeness goes. */
export interface Message {
  readonly id: string;
  readonly gateway: string;
  readonly twin: string;
  readonly epoch: string;
  readonly seq: number;
  readonly t0?: number;
  readonly values?: Readonly<Record<string, readonly TimedValue[]>>;
  readonly gap?: Gap;
  readonly history?: boolean;
  /** Where the gateway did not know the time when it stamped. */
  readonly clock?: 'unsynchronised' | 'corrected';
  /** Of a status message. */
  readonly state?: string;
  readonly offsetMs?: number;
}

type TimedValue = readonly [offsetMs: number, value: unknown, quality?: string, status?: string];

interface Gap {
  readonly reason: string;
  readonly from: string;
  readonly to: string;
  readonly points?: readonly string[];
  readonly fromSeq?: number;
  readonly toSeq?: number;
  readonly messages: number;
  readonly readings: number;
}

export interface RecordedReading {
  /** UTC, milliseconds since 1970. */
  readonly timeMs: number;
  readonly value: unknown;
  readonly quality: string;
}

export interface Losses {
  readonly messages: number;
  /** Of these, dropped before they had a sequence number. */
  readonly unnumbered: number;
  readonly readings: number;
}

/** Numbers of one twin under one epoch. */
interface Stream {
  readonly twin: string;
  readonly name: string;
  readonly contents: Map<number, string>;
  readonly declared: Set<number>;
  /** In order each: what is live, and what is history; one and the same unless history may come beside. */
  readonly highest: { live: number; history: number };
}

export interface Totals {
  /** Without duplicates. */
  readonly messages: number;
  readonly duplicates: number;
  /** Sequence numbers that did not come. */
  readonly missing: number;
  readonly gapRecords: number;
}

/**
 * The cloud engineer's book, kept as src/northbound/README.md says: by (gateway, epoch, twin) each sequence number comes, or a gap
 * record declares it; in order; and what comes twice is the same.
 */
export class DeliveryRecord {
  readonly #streams = new Map<string, Stream>();
  readonly #messages: Message[] = [];
  readonly #faults: string[] = [];
  #duplicates = 0;
  /** The hub drains live first: what is history may come beside what is new, each in order. */
  isLiveFirst = false;

  /** Anything but a message of a twin is left alone. */
  add(payload: string): void {
    const message = JSON.parse(payload) as Partial<Message>;
    if (typeof message.seq === 'number') this.#take(message as Message);
  }

  get count(): number {
    return this.#messages.length;
  }

  get totals(): Totals {
    return {
      messages: this.count,
      duplicates: this.#duplicates,
      missing: this.missing(),
      gapRecords: this.gaps().filter(({ reason }) => !isUnmeasured(reason)).length,
    };
  }

  /** Sequence numbers that did not come, of one twin or of all. */
  missing(twin?: string): number {
    return [...this.#streams.values()]
      .filter((stream) => twin === undefined || stream.twin === twin)
      .reduce((sum, stream) => sum + missingOf(stream).length, 0);
  }

  /** Nothing is missing that is not declared. */
  get isComplete(): boolean {
    return [...this.#streams.values()].every((stream) => undeclaredOf(stream).length === 0);
  }

  /** Source time of the newest message; UTC, milliseconds since 1970. */
  get latestTimeMs(): number {
    return this.#messages.reduce((latest, { t0 = 0 }) => Math.max(latest, t0), 0);
  }

  /** Of losses and of what could not be measured. */
  gaps(twin?: string): readonly Gap[] {
    return this.#of(twin).flatMap(({ gap }) => gap ?? []);
  }

  /** What gap records declare, without those messages that arrived all the same: they win. */
  declaredLosses(twin: string): Losses {
    return this.#of(twin).reduce(
      (sum, { epoch, gap }) => {
        if (gap === undefined || isUnmeasured(gap.reason)) return sum;
        const { fromSeq = 1, toSeq = 0 } = gap;
        const arrived = this.#of(twin).filter((one) => one.epoch === epoch && one.seq >= fromSeq && one.seq <= toSeq);
        const readings = arrived.reduce((count, one) => count + readingsOf(one), 0);
        return {
          messages: sum.messages + gap.messages - arrived.length,
          unnumbered: sum.unnumbered + (gap.toSeq === undefined ? gap.messages : 0),
          readings: sum.readings + gap.readings - readings,
        };
      },
      { messages: 0, unnumbered: 0, readings: 0 },
    );
  }

  /** In order of arrival, each once. */
  readings(twin: string, point: string): readonly RecordedReading[] {
    return this.#of(twin).flatMap(({ t0 = 0, values = {} }) =>
      (values[point] ?? []).map(([offsetMs, value, quality = 'good']) => ({ timeMs: t0 + offsetMs, value, quality })),
    );
  }

  /** In order of arrival, each once. */
  messages(twin: string): readonly Message[] {
    return this.#of(twin);
  }

  /** Numbers with quality good. */
  numbers(twin: string, point: string): readonly number[] {
    return this.readings(twin, point).flatMap(({ value, quality }) => (quality === 'good' ? Number(value) : []));
  }

  /** Throws with the list of what is missing, out of order or altered. */
  verify(): void {
    const undeclared = [...this.#streams.values()].flatMap((stream) => {
      const missing = undeclaredOf(stream);
      return missing.length === 0 ? [] : [`${stream.name}: ${ranges(missing)} missing, and no gap record says so`];
    });
    assert.deepEqual([...this.#faults, ...undeclared], []);
    assert.ok(this.count > 0, 'nothing was delivered at all');
  }

  #of(twin: string | undefined): readonly Message[] {
    return this.#messages.filter((message) => twin === undefined || message.twin === twin);
  }

  #take(message: Message): void {
    const { gateway, twin, epoch, seq, id, gap } = message;
    const name = `${twin} (epoch ${epoch})`;
    const stream = this.#streams.get(`${gateway} ${name}`) ?? {
      twin,
      name,
      contents: new Map(),
      declared: new Set(),
      highest: { live: 0, history: 0 },
    };
    this.#streams.set(`${gateway} ${name}`, stream);
    const content = contentOf(message);
    const known = stream.contents.get(seq);
    if (known !== undefined) {
      this.#duplicates += 1;
      if (known !== content) this.#faults.push(`${name}: ${seq} came again with another content: ${known} / ${content}`);
      return;
    }
    if (id !== `${gateway}:${twin}:${epoch}:${seq}`) this.#faults.push(`${name}: ${seq} has the id ${id}`);
    const lane = this.isLiveFirst && message.history === true ? 'history' : 'live';
    if (seq < stream.highest[lane]) this.#faults.push(`${name}: ${seq} came after ${stream.highest[lane]}`);
    stream.highest[lane] = Math.max(stream.highest[lane], seq);
    stream.contents.set(seq, content);
    this.#messages.push(message);
    for (let one = gap?.fromSeq ?? 1; one <= (gap?.toSeq ?? 0); one += 1) stream.declared.add(one);
  }
}

function readingsOf({ values = {} }: Message): number {
  return Object.values(values).reduce((sum, timed) => sum + timed.length, 0);
}

/** The time of sending, and whether that was late, are all that may differ from one sending to the next. */
function contentOf(message: Message): string {
  return JSON.stringify({ ...message, sent: undefined, history: undefined });
}

function missingOf({ contents, highest }: Stream): readonly number[] {
  return Array.from({ length: Math.max(highest.live, highest.history) }, (_, index) => index + 1).filter(
    (sequence) => !contents.has(sequence),
  );
}

function undeclaredOf(stream: Stream): readonly number[] {
  return missingOf(stream).filter((sequence) => !stream.declared.has(sequence));
}

/** `3, 7-9` */
function ranges(sorted: readonly number[]): string {
  const starts = sorted.filter((one, index) => sorted[index - 1] !== one - 1);
  const ends = sorted.filter((one, index) => sorted[index + 1] !== one + 1);
  return starts.map((start, index) => (start === ends[index] ? `${start}` : `${start}-${ends[index]}`)).join(', ');
}
