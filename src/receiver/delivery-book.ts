import { createHash } from 'node:crypto';
import { countOf, type NumberRange, NumberRanges } from './number-ranges.ts';
import type { ReceivedGap, ReceivedMessage } from './received-message.ts';

/** Gap records of one reason. */
export interface GapSum {
  readonly records: number;
  readonly messages: number;
  /** As far as their number is known. */
  readonly readings: number;
  readonly durationMs: number;
}

/** What came of one twin in one class under one epoch. */
export interface StreamReport {
  readonly gateway: string;
  readonly twin: string;
  readonly class: string;
  readonly epoch: string;
  readonly first: number;
  readonly last: number;
  /** Each once. */
  readonly messages: number;
  readonly readings: number;
  readonly duplicates: number;
  /** Came after a higher number of the same twin and class, both live or both history. */
  readonly overtaken: number;
  /** Came as history after a higher number of the same twin and class. */
  readonly behindLive: number;
  /** With times that the gateway did not know. */
  readonly doubted: number;
  /** Did not come, and a gap record says so. */
  readonly declared: readonly NumberRange[];
  /** Did not come, and nobody says why. */
  readonly undeclared: readonly NumberRange[];
  /** Gap records by reason. */
  readonly gaps: Readonly<Record<string, GapSum>>;
  /** Against the rules: a number that came again with another content, an id that does not fit. */
  readonly faults: readonly string[];
}

export interface DeliveryReport {
  /** Nothing is missing that is not declared, and nothing is against the rules. */
  readonly isComplete: boolean;
  readonly streams: readonly StreamReport[];
}

export interface DeliveryBookOptions {
  /** Each stream is expected from its number 1 on, not only from the first one seen. */
  readonly fromFirst?: boolean;
}

/** Contents of so many numbers are remembered for each stream, to compare what comes twice. */
const REMEMBERED_CONTENTS = 1_000;
const MAX_FAULTS = 20;

/**
 * The receiver's recipe of src/northbound/README.md: by (gateway, twin, class, epoch) each sequence number comes, or a gap record
 * declares it; what comes twice is the same. Memory grows with the number of holes, not of messages.
 */
export class DeliveryBook {
  readonly #streams = new Map<string, Stream>();
  readonly #fromFirst: boolean;

  constructor({ fromFirst = false }: DeliveryBookOptions = {}) {
    this.#fromFirst = fromFirst;
  }

  /** `false`: it came before. */
  take(message: ReceivedMessage): boolean {
    const { epoch, gap } = message;
    const isNew = this.#stream(message).take(message);
    if (isNew && gap !== undefined) this.#stream({ ...message, epoch: gap.epoch ?? epoch }).declare(gap);
    return isNew;
  }

  report(): DeliveryReport {
    const streams = [...this.#streams.values()]
      .filter((stream) => !stream.isEmpty)
      .map((stream) => stream.report(this.#fromFirst));
    const isComplete = streams.every(({ undeclared, faults }) => undeclared.length === 0 && faults.length === 0);
    return { isComplete, streams };
  }

  #stream({ gateway, twin, class: urgency, epoch }: StreamName): Stream {
    const key = JSON.stringify([gateway, twin, urgency, epoch]);
    const known = this.#streams.get(key);
    if (known !== undefined) return known;
    const stream = new Stream({ gateway, twin, class: urgency, epoch });
    this.#streams.set(key, stream);
    return stream;
  }
}

type StreamName = Pick<StreamReport, 'gateway' | 'twin' | 'class' | 'epoch'>;

class Stream {
  readonly #name: StreamName;
  readonly #seen = new NumberRanges();
  readonly #declared = new NumberRanges();
  readonly #contents = new Map<number, string>();
  readonly #gaps: Record<string, GapSum> = {};
  readonly #faults: string[] = [];
  readonly #highestOf = { live: 0, history: 0 };
  #readings = 0;
  #duplicates = 0;
  #overtaken = 0;
  #behindLive = 0;
  #doubted = 0;

  constructor(name: StreamName) {
    this.#name = name;
  }

  get isEmpty(): boolean {
    return this.#seen.size === 0;
  }

  take(message: ReceivedMessage): boolean {
    const { sequence } = message;
    const content = createHash('sha1').update(message.content).digest('base64');
    if (this.#seen.has(sequence)) {
      this.#duplicates += 1;
      const known = this.#contents.get(sequence);
      if (known !== undefined && known !== content) this.#fault(`${sequence} came again with another content`);
      return false;
    }
    const { gateway, twin, epoch } = this.#name;
    const expectedId = `${gateway}:${twin}:${epoch}:${sequence}`;
    if (message.id !== expectedId) this.#fault(`${sequence} has the id ${message.id}`);
    this.#compare(sequence, message.isHistory ? 'history' : 'live');
    this.#seen.add(sequence);
    this.#readings += message.readings;
    if (message.isDoubted) this.#doubted += 1;
    this.#remember(sequence, content);
    return true;
  }

  get #highest(): number {
    return Math.max(this.#highestOf.live, this.#highestOf.history);
  }

  /** What is live and what is history are each in order; history may come beside live messages. */
  #compare(sequence: number, lane: 'live' | 'history'): void {
    if (sequence < this.#highestOf[lane]) this.#overtaken += 1;
    else if (sequence < this.#highest) this.#behindLive += 1;
    this.#highestOf[lane] = Math.max(this.#highestOf[lane], sequence);
  }

  declare({ reason, from, to, messages, readings, durationMs }: ReceivedGap): void {
    if (to !== undefined) this.#declared.add(from ?? 1, to);
    const sum = this.#gaps[reason] ?? { records: 0, messages: 0, readings: 0, durationMs: 0 };
    this.#gaps[reason] = {
      records: sum.records + 1,
      messages: sum.messages + messages,
      readings: sum.readings + readings,
      durationMs: sum.durationMs + durationMs,
    };
  }

  report(fromFirst: boolean): StreamReport {
    const first = fromFirst ? 1 : (this.#seen.ranges[0]?.from ?? 1);
    const holes = this.#seen.missing({ from: first, to: this.#highest });
    const undeclared = holes.flatMap((hole) => this.#declared.missing(hole));
    const known = new NumberRanges();
    for (const { from, to } of [...this.#seen.ranges, ...undeclared]) known.add(from, to);
    return {
      ...{ ...this.#name, first, last: this.#highest },
      ...{ messages: this.#seen.size, readings: this.#readings, duplicates: this.#duplicates, overtaken: this.#overtaken },
      ...{ behindLive: this.#behindLive, doubted: this.#doubted },
      ...{ declared: known.missing({ from: first, to: this.#highest }), undeclared, gaps: { ...this.#gaps } },
      faults: [...this.#faults],
    };
  }

  #remember(sequence: number, content: string): void {
    this.#contents.set(sequence, content);
    if (this.#contents.size <= REMEMBERED_CONTENTS) return;
    const [oldest] = this.#contents.keys();
    if (oldest !== undefined) this.#contents.delete(oldest);
  }

  #fault(text: string): void {
    if (this.#faults.length < MAX_FAULTS) this.#faults.push(text);
  }
}

/** Numbers that did not come, over all streams. */
export function countMissing({ streams }: DeliveryReport): { readonly declared: number; readonly undeclared: number } {
  const count = (pick: (stream: StreamReport) => readonly NumberRange[]) =>
    streams.reduce((sum, stream) => sum + countOf(pick(stream)), 0);
  return { declared: count(({ declared }) => declared), undeclared: count(({ undeclared }) => undeclared) };
}
