import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WhenFull } from '../../../src/model/spool-class.ts';
import type { Gap, Stored, TwinMessage } from '../../../src/model/twin-message.ts';
import { openSpool } from '../../../src/spool/open-spool.ts';
import type { Draft, Spool, SpoolEvent, SpoolLane } from '../../../src/spool/spool.ts';
import type { SpoolOptions } from '../../../src/spool/spool-options.ts';

export async function temporaryDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'fieldmarshal-spool-'));
}

export function removeDirectory(directory: string): Promise<void> {
  return rm(directory, { recursive: true, force: true });
}

export function message(twin: string, value: number | bigint | string, padding = ''): TwinMessage {
  const values = { value: [[0, value]] as const, ...(padding === '' ? {} : { padding: [[5, padding]] as const }) };
  return { twin, kind: 'telemetry', startTimeMs: 1_767_225_600_000 + Number(value), values };
}

export function draft(twin: string, value: number, hubs: readonly string[] = ['cloud'], padding = ''): Draft {
  return { message: message(twin, value, padding), hubs };
}

export function ofKind(kind: TwinMessage['kind'], { message: of, hubs }: Draft): Draft {
  return { message: { ...of, kind }, hubs };
}

/** The same numbers from the same seed. */
export function randomFrom(seed: number): () => number {
  // Neighbours must not begin alike.
  let state = Math.imul(seed, 0x9e37_79b1);
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Throws what a disk does. */
export function fail(code: string): () => never {
  return () => {
    throw Object.assign(new Error(code), { code });
  };
}

/** Lets the event loop turn until it is so. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** What a mapped message says, without gap records. */
export function values(stored: readonly Stored[]): readonly unknown[] {
  return numbers(stored).filter((value) => value !== undefined);
}

export function gaps(stored: readonly Stored[]): readonly Gap[] {
  return stored.flatMap(({ message: { gap } }) => (gap === undefined ? [] : [gap]));
}

export type Opened = Spool & { readonly events: SpoolEvent[] };

export interface OpenOptions extends Partial<SpoolOptions> {
  readonly directory: string;
  /** Of every class. */
  readonly whenFull?: WhenFull;
}

/** Telemetry may take all of `maxBytes`, the other classes some of it beside. */
export async function open({ whenFull = 'drop-oldest', ...options }: OpenOptions): Promise<Opened> {
  const events: SpoolEvent[] = [];
  const [few, all] = [
    { share: 25, whenFull, keepOneOf: 2 },
    { share: 100, whenFull, keepOneOf: 2 },
  ];
  const spool = await openSpool({
    ...{ maxBytes: 64 * 2 ** 20, maxAgeMs: 10 * 86_400_000, commitWindowMs: 0, hubs: ['cloud'] },
    classes: { alarm: few, property: few, telemetry: all },
    // What is appended takes the room it has, so that bounds are reached when a test wants it.
    compression: 'none',
    onEvent: (event) => events.push(event),
    ...options,
  });
  return Object.assign(spool, { events });
}

/** Everything committed that the reader has not read yet; does not acknowledge. */
export function readAll(reader: SpoolLane, waitMs = 30): Promise<Stored[]> {
  return readUntil(reader, () => AbortSignal.timeout(waitMs));
}

/**
 * The same from a simulated disk without compression, which answers within a few turns of the loop, however busy the machine is.
 * `onRead`: at once with each portion.
 */
export function readWhatIsThere(reader: SpoolLane, onRead?: (stored: readonly Stored[]) => void): Promise<Stored[]> {
  return readUntil(reader, () => afterTurns(200), onRead);
}

/** The next one of a simulated disk, if there is any. */
export async function readOne(reader: SpoolLane): Promise<Stored | undefined> {
  return (await reader.read(1, afterTurns(200)).catch(() => []))[0];
}

function afterTurns(count: number): AbortSignal {
  const controller = new AbortController();
  const turn = (left: number) => (left === 0 ? controller.abort() : setImmediate(turn, left - 1));
  turn(count);
  return controller.signal;
}

async function readUntil(
  reader: SpoolLane,
  end: () => AbortSignal,
  onRead: (stored: readonly Stored[]) => void = () => {},
): Promise<Stored[]> {
  const all: Stored[] = [];
  for (;;) {
    const stored = await reader.read(1 << 20, end()).catch(() => []);
    if (stored.length === 0) return all;
    onRead(stored);
    all.push(...stored);
  }
}

export function numbers(stored: readonly Stored[]): readonly unknown[] {
  return stored.map(({ message: { values } }) => values.value?.[0]?.[1]);
}
