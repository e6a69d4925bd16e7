import { join } from 'node:path';
import { GatewayError } from '../model/error.ts';
import { type File, type FileSystem, readUpTo, writeAll } from './file-system.ts';
import { decodeFrame, encodeFrame, type Frame } from './frame.ts';
import type { Sequences, SequenceTable } from './sequence-table.ts';

/**
 * The segment: one file of the log, `segment-<first offset>.log`, only ever appended to, written anew when it is thinned, and deleted as a whole.
 *
 *   'fieldmarshal 01\n'  16 bytes; the number is the version of this format
 *   segment frame        offset = first; head: the segment before it and its bytes, when it was made (UTC and running time), messages given
 *                        to each hub until then
 *   sequences frame      offset = first + 1; body: the last sequence number of every hub and twin until then
 *   block frames         the messages (block.ts); one without a body was thinned away (thinning.ts)
 *
 *   zeros                room made ahead in the newest segment (segment-room.ts), cut off when it is left or found at a start
 *
 * So the newest segment alone tells the next offset and every sequence number, even when all else was delivered and deleted.
 * A segment ends where the next begins: frames with the next one's first offset or above are void (a commit that failed and
 * was written again). All frames of a segment are of one epoch. A later format changes the version and the magic of its frames,
 * and keeps the name of the file: so it is told from damage, and refused untouched.
 */
export interface Segment {
  readonly first: number;
  readonly path: string;
  /** What is committed, or for an older segment the size of its file. */
  bytes: number;
  /** Absent when the head is damaged. */
  readonly head?: SegmentHead;
}

export interface SegmentHead {
  /** First offset of the segment before; 0 for the very first. */
  readonly previous: number;
  /** Committed bytes of that segment: where its file has fewer, something was cut off. */
  readonly previousBytes: number;
  /** UTC, milliseconds since 1970, for people: it decides nothing. */
  readonly createdMs: number;
  /** Running time of the spool when it was made, milliseconds. */
  readonly runMs: number;
  readonly totals: Readonly<Record<string, number>>;
  readonly epoch: string;
  /** Id of the key that its blocks are encrypted with. */
  readonly key?: string;
  /** How often it was thinned (thinning.ts), and the bytes of its file since. */
  readonly thinned?: { readonly passes: number; readonly bytes: number };
}

const VERSION = 1;
const PREFIX = Buffer.from(`fieldmarshal ${String(VERSION).padStart(2, '0')}\n`, 'latin1');
export const FIRST_FRAME_AT = PREFIX.length;
/** Frames of a new segment before its first message. */
export const HEAD_FRAMES = 2;
const HEAD_BYTES = 4096;
const EMPTY = Buffer.alloc(0);

export function segmentName(first: number): string {
  return `segment-${String(first).padStart(16, '0')}.log`;
}

export function parseSegmentName(name: string): number | undefined {
  const digits = /^segment-(\d{16})\.log$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Never touches the file. Throws SPOOL_CORRUPT when a newer gateway wrote it. */
export async function readSegment(fileSystem: FileSystem, directory: string, first: number): Promise<Segment> {
  const path = join(directory, segmentName(first));
  const file = await fileSystem.open(path, 'read');
  try {
    const bytes = await file.size();
    const start = await readUpTo(file, 0, HEAD_BYTES);
    const frame = await readFrame(file, FIRST_FRAME_AT);
    if (frame === undefined) refuseNewer(start, path);
    const head = frame?.kind === 'segment' && frame.offset === first ? parseHead(frame) : undefined;
    return { first, path, bytes, ...(head === undefined ? {} : { head }) };
  } finally {
    await file.close();
  }
}

function refuseNewer(start: Buffer, path: string): void {
  const version = Number(/^fieldmarshal (\d\d)\n/.exec(start.toString('latin1', 0, PREFIX.length))?.[1] ?? VERSION);
  if (version <= VERSION) return;
  const message = `written in format ${version} by a newer gateway, this one reads format ${VERSION}; nothing was touched`;
  throw new GatewayError('SPOOL_CORRUPT', path, message);
}

function parseHead(frame: Frame): SegmentHead {
  return { ...(JSON.parse(frame.head.toString()) as Omit<SegmentHead, 'epoch'>), epoch: frame.epoch };
}

async function readFrame(file: File, at: number): Promise<Frame | undefined> {
  let bytes = await readUpTo(file, at, HEAD_BYTES);
  let result = decodeFrame(bytes, 0);
  if (typeof result === 'number') {
    const wanted = Math.max(result, HEAD_BYTES);
    bytes = await readUpTo(file, at, Math.min(wanted, Math.max(0, (await file.size()) - at)));
    result = decodeFrame(bytes, 0);
    if (typeof result === 'number' && result <= (await file.size()) - at) return readExactly(file, at, result);
  }
  return typeof result === 'object' ? result : undefined;
}

async function readExactly(file: File, at: number, length: number): Promise<Frame | undefined> {
  const result = decodeFrame(await readUpTo(file, at, length), 0);
  return typeof result === 'object' ? result : undefined;
}

/** The sequence numbers before the first message of the segment; `undefined` when damaged. */
export async function readSequences(fileSystem: FileSystem, segment: Segment): Promise<Sequences | undefined> {
  const file = await fileSystem.open(segment.path, 'read');
  try {
    const head = await readFrame(file, FIRST_FRAME_AT);
    if (head === undefined) return undefined;
    const frame = await readFrame(file, FIRST_FRAME_AT + encodeFrame(head).length);
    return frame?.kind === 'sequences' ? (JSON.parse(frame.body.toString()) as Sequences) : undefined;
  } finally {
    await file.close();
  }
}

/** Everything before the first message. */
export function encodeStart(first: number, { epoch, ...facts }: SegmentHead, sequences: Sequences): Buffer {
  const head = Buffer.from(JSON.stringify(facts));
  const body = Buffer.from(JSON.stringify(sequences));
  return Buffer.concat([
    PREFIX,
    encodeFrame({ kind: 'segment', offset: first, index: 0, epoch, head, body: EMPTY }),
    encodeFrame({ kind: 'sequences', offset: first + 1, index: 1, epoch, head: EMPTY, body }),
  ]);
}

/** Durable with its name before the first message goes into it. Leaves nothing behind when it fails, as far as the disk lets it. */
export async function createSegment(
  fileSystem: FileSystem,
  directory: string,
  facts: Omit<SegmentHead, 'totals'> & { first: number; table: SequenceTable },
): Promise<{ segment: Segment; file: File }> {
  const { first, previous, previousBytes, createdMs, runMs, epoch, key, table } = facts;
  const path = join(directory, segmentName(first));
  const totals = table.totals();
  const made = { previous, previousBytes, createdMs, runMs, totals, epoch, ...(key === undefined ? {} : { key }) };
  const bytes = encodeStart(first, made, table.sequences());
  const file = await fileSystem.open(path, 'create');
  try {
    await writeAll(file, bytes, 0);
    await file.datasync();
    await fileSystem.syncDirectory(directory);
  } catch (error) {
    await file.close().catch(() => {});
    await fileSystem.remove(path).catch(() => {});
    throw error;
  }
  return { segment: { first, path, bytes: bytes.length, head: made }, file };
}
