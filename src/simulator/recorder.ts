import { isUnmeasured } from '../model/device-gap.ts';

/** What one twin has sent under one epoch of the spool. */
export interface RecordedStream {
  readonly twin: string;
  readonly epoch: string;
  readonly lastSequence: number;
  readonly messages: number;
  readonly readings: number;
  /** Messages that came a second time. */
  readonly duplicates: number;
  /** Sequence numbers that never came, whether declared or not. */
  readonly missing: number;
  /** Gap records of losses. */
  readonly gapRecords: number;
  /** Readings that could not be made, as gap records tell. */
  readonly unmeasured: number;
}

interface TwinMessageBody {
  readonly gateway: string;
  readonly twin: string;
  readonly epoch: string;
  readonly seq: number;
  readonly values?: Readonly<Record<string, readonly unknown[]>>;
  readonly gap?: { readonly reason: string; readonly readings: number };
}

/**
 * The cloud engineer's check: for each gateway, epoch and twin the sequence rises by one. Messages may come again (at least
 * once); what comes late was not missing.
 */
export class Recorder {
  readonly #streams = new Map<string, RecordedStream & { readonly absent: Set<number> }>();

  /** A message as it was published; anything but a message of a twin is left alone. */
  record(payload: Buffer): void {
    const body = parse(payload);
    if (body === undefined) return;
    const key = `${body.gateway} ${body.epoch} ${body.twin}`;
    const seen = this.#streams.get(key) ?? emptyStream(body);
    this.#streams.set(key, isNew(seen, body.seq) ? accept(seen, body) : { ...seen, duplicates: seen.duplicates + 1 });
  }

  get streams(): readonly RecordedStream[] {
    return [...this.#streams.values()].map(({ absent, ...stream }) => ({ ...stream, missing: absent.size }));
  }

  /** Of one twin, or of all. */
  total(count: 'messages' | 'readings' | 'duplicates' | 'missing' | 'gapRecords' | 'unmeasured', twin?: string): number {
    return this.streams
      .filter((stream) => twin === undefined || stream.twin === twin)
      .reduce((sum, stream) => sum + stream[count], 0);
  }
}

type Stream = RecordedStream & { readonly absent: Set<number> };

/** Sequences begin at 1. */
function emptyStream({ twin, epoch }: TwinMessageBody): Stream {
  const counts = { lastSequence: 0, messages: 0, readings: 0, duplicates: 0, missing: 0, gapRecords: 0, unmeasured: 0 };
  return { twin, epoch, ...counts, absent: new Set() };
}

function isNew({ lastSequence, absent }: Stream, sequence: number): boolean {
  return sequence > lastSequence || absent.has(sequence);
}

function accept(stream: Stream, { seq, values = {}, gap }: TwinMessageBody): Stream {
  stream.absent.delete(seq);
  for (let absent = stream.lastSequence + 1; absent < seq; absent += 1) stream.absent.add(absent);
  const readings = Object.values(values).reduce((sum, timed) => sum + timed.length, 0);
  const isLoss = gap !== undefined && !isUnmeasured(gap.reason);
  return {
    ...stream,
    lastSequence: Math.max(stream.lastSequence, seq),
    messages: stream.messages + 1,
    readings: stream.readings + readings,
    gapRecords: stream.gapRecords + Number(isLoss),
    unmeasured: stream.unmeasured + (isLoss ? 0 : (gap?.readings ?? 0)),
  };
}

function parse(payload: Buffer): TwinMessageBody | undefined {
  try {
    const body = JSON.parse(payload.toString()) as Partial<TwinMessageBody> | null;
    const { gateway, twin, epoch, seq } = body ?? {};
    const isTwinMessage = [gateway, twin, epoch].every((name) => typeof name === 'string') && Number.isSafeInteger(seq);
    return isTwinMessage ? (body as TwinMessageBody) : undefined;
  } catch {
    return undefined;
  }
}
