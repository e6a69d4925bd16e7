import { randomBytes } from 'node:crypto';
import type { CursorRecord, CursorsRead } from './cursor-file.ts';
import type { File, FileSystem } from './file-system.ts';
import { FrameScanner, type Scanned } from './frame-scanner.ts';
import { decodeHead } from './message-record.ts';
import type { Quarantine } from './quarantine.ts';
import { FIRST_FRAME_AT, HEAD_FRAMES, readSequences, type Segment } from './segment.ts';
import { type LogPlace, listSegments } from './segment-list.ts';
import { SequenceTable } from './sequence-table.ts';
import type { SpoolEvent } from './spool.ts';

export interface Recovered {
  readonly segments: Segment[];
  readonly table: SequenceTable;
  readonly epoch: string;
  readonly nextOffset: number;
  /** The newest segment when it is sound enough to be written on. */
  readonly file: File | undefined;
  /** Segments of which something is missing, or after which a segment is missing. */
  readonly suspects: readonly Segment[];
  /** When the newest message was committed; UTC, milliseconds since 1970. The file may have an older time after a power cut. */
  readonly lastCommitMs: number | undefined;
}

export interface RecoveryOptions extends LogPlace {
  readonly quarantine: Quarantine;
  readonly cursors: CursorsRead;
  /** Everything below was committed once. */
  readonly committedOffset: number;
  readonly onEvent: (event: SpoolEvent) => void;
}

/**
 * Finds out where the log ends, reading the heads of the segments and the newest segment only: the cost does not depend on the
 * backlog. A torn last commit is set aside and cut off. Where the sequence numbers cannot be proven (no segment left, its
 * records damaged, fewer than the cursors have seen, a restored copy), a new epoch begins, in a new segment. Rejects with what the
 * disk says, having changed nothing that another attempt would miss.
 */
export async function recover(options: RecoveryOptions): Promise<Recovered> {
  const segments = await soundSegments(options);
  const { committedOffset } = options;
  const { record, isCopy } = options.cursors;
  const tail = await readTail(options, segments, committedOffset);
  const table = new SequenceTable();
  const { hasLearnt, lastCommitMs } = await learn(options, segments, table);
  const isProven = hasLearnt && tail.isSound && tail.nextOffset >= committedOffset && !isCopy;
  const newest = segments.at(-1);
  const suspects = segments.filter((segment, index) => isBroken(segment, segments[index + 1]));
  if (newest !== undefined && (!tail.isSound || tail.nextOffset < committedOffset)) suspects.push(newest);
  const epoch = isProven ? (tail.epoch ?? newest?.head?.epoch) : undefined;
  const canGoOn = epoch !== undefined && newest?.head !== undefined && newest.head.key === options.codec.keyId;
  const file = canGoOn ? await openNewest(options.fileSystem, newest) : undefined;
  if (epoch === undefined) {
    keepTotals(table, record);
    if (segments.length > 0 || record !== undefined) {
      const reason = isCopy ? 'the files are a copy or a restored backup' : 'sequence numbers cannot be proven';
      options.onEvent({ level: 'error', event: 'epoch changed', fields: { reason } });
    }
  }
  const nextOffset = Math.max(tail.nextOffset, committedOffset, 1);
  return { segments, table, epoch: epoch ?? randomBytes(8).toString('hex'), nextOffset, file, suspects, lastCommitMs };
}

async function soundSegments(options: RecoveryOptions): Promise<Segment[]> {
  const { fileSystem, quarantine, onEvent } = options;
  const segments = await listSegments(options);
  // A segment that was being made when the power went holds nothing.
  for (let last = segments.at(-1); last !== undefined && (await isEmpty(options, last)); last = segments.at(-1)) {
    await quarantine.keep(last.path, 0, last.bytes);
    await fileSystem.remove(last.path);
    segments.pop();
    onEvent({ level: 'warn', event: 'segment quarantined', fields: { path: last.path, bytes: last.bytes } });
  }
  return segments;
}

type Reading = Pick<LogPlace, 'fileSystem' | 'codec'>;

async function isEmpty(reading: Reading, segment: Segment): Promise<boolean> {
  if (segment.head !== undefined) return false;
  const items = await scanAll(reading, segment);
  return !items.some(({ found }) => found === 'frame');
}

async function scanAll({ fileSystem, codec }: Reading, segment: Segment): Promise<readonly Scanned[]> {
  const file = await fileSystem.open(segment.path, 'read');
  try {
    const scanner = new FrameScanner(file, FIRST_FRAME_AT, codec);
    const all: Scanned[] = [];
    for (let items = await scanner.next(segment.bytes); items.length > 0; items = await scanner.next(segment.bytes)) {
      all.push(...items);
    }
    return all;
  } finally {
    await file.close();
  }
}

interface Tail {
  readonly nextOffset: number;
  readonly epoch: string | undefined;
  /** Nothing is missing in the newest segment, apart from a commit that never finished. */
  readonly isSound: boolean;
}

async function readTail(options: RecoveryOptions, segments: readonly Segment[], committedOffset: number): Promise<Tail> {
  const segment = segments.at(-1);
  if (segment === undefined) return { nextOffset: 1, epoch: undefined, isSound: false };
  const items = await cutOffRoom(options, segment, await scanAll(options, segment));
  const damageIndex = items.findIndex(({ found }) => found === 'damage');
  const before = lastFrame(items.slice(0, damageIndex < 0 ? items.length : damageIndex));
  const soundEnd = (before?.offset ?? segment.first) + 1;
  const after = damageIndex < 0 ? [] : items.slice(damageIndex);
  const isTorn = after.every((item) => item.found === 'damage' || item.frame.offset - item.frame.index <= soundEnd);
  const epoch = before?.epoch;
  if (damageIndex < 0) return { nextOffset: soundEnd, epoch, isSound: segment.head !== undefined };
  if (isTorn && soundEnd >= committedOffset && soundEnd >= segment.first + HEAD_FRAMES) {
    await cutOff(options, segment, after);
    return { nextOffset: soundEnd, epoch, isSound: segment.head !== undefined };
  }
  return { nextOffset: (lastFrame(items)?.offset ?? segment.first) + 1, epoch, isSound: false };
}

/** Zeros at the end are room that was made ahead: nothing was ever in it. What is left of a commit before them stays. */
async function cutOffRoom(
  { fileSystem }: RecoveryOptions,
  segment: Segment,
  items: readonly Scanned[],
): Promise<readonly Scanned[]> {
  const last = items.at(-1);
  if (last?.found !== 'damage' || last.to < segment.bytes || last.zerosFrom >= segment.bytes) return items;
  await cutOffAt(fileSystem, segment, last.zerosFrom);
  const rest = items.slice(0, -1);
  return last.zerosFrom === last.from ? rest : [...rest, { ...last, to: last.zerosFrom }];
}

function lastFrame(items: readonly Scanned[]) {
  const last = items.findLast((item) => item.found === 'frame');
  return last?.found === 'frame' ? last.frame : undefined;
}

async function cutOff({ fileSystem, quarantine, onEvent }: RecoveryOptions, segment: Segment, after: readonly Scanned[]) {
  const start = after[0];
  const from = start?.found === 'damage' ? start.from : segment.bytes;
  const { path, bytes } = segment;
  await quarantine.keep(path, from, bytes);
  await cutOffAt(fileSystem, segment, from);
  onEvent({ level: 'warn', event: 'torn tail cut off', fields: { path, bytes: bytes - from } });
}

async function cutOffAt(fileSystem: FileSystem, segment: Segment, at: number): Promise<void> {
  const file = await fileSystem.open(segment.path, 'write');
  try {
    await file.truncate(at);
    await file.datasync();
  } finally {
    await file.close();
  }
  segment.bytes = at;
}

/** Sequence numbers and counts: from the head of the newest segment, and on by its records. False when the head is damaged. */
async function learn(reading: Reading, segments: readonly Segment[], table: SequenceTable) {
  const newest = segments.at(-1);
  if (newest === undefined) return { hasLearnt: false, lastCommitMs: undefined };
  const sequences = await readSequences(reading.fileSystem, newest);
  table.restore(sequences ?? {}, segments.findLast(({ head }) => head !== undefined)?.head?.totals ?? {});
  let lastCommitMs: number | undefined;
  for (const item of await scanAll(reading, newest)) {
    if (item.found === 'frame' && item.frame.kind === 'message') lastCommitMs = learnFrame(table, item) ?? lastCommitMs;
  }
  return { hasLearnt: newest.head !== undefined && sequences !== undefined, lastCommitMs };
}

/** Returns when it was committed. */
function learnFrame(table: SequenceTable, item: Scanned & { found: 'frame' }): number | undefined {
  const head = decodeHead(item.frame);
  if (head === undefined) return undefined;
  for (const [hub, sequence] of Object.entries(head.hubs)) table.learn(hub, head.twin, { sequence, atMs: head.at });
  return head.at;
}

function isBroken(segment: Segment, next: Segment | undefined): boolean {
  return (
    next?.head !== undefined &&
    (next.head.previous !== segment.first || segment.bytes < (segment.head?.thinned?.bytes ?? next.head.previousBytes))
  );
}

/** What was in the page cache only is made durable before anybody reads it. */
async function openNewest(fileSystem: FileSystem, segment: Segment): Promise<File | undefined> {
  const file = await fileSystem.open(segment.path, 'write').catch(() => undefined);
  try {
    await file?.datasync();
    return file;
  } catch {
    await file?.close().catch(() => {});
    return undefined;
  }
}

/** The numbers begin anew; the counts of waiting messages go on from the best that is known. */
function keepTotals(table: SequenceTable, cursors: CursorRecord | undefined): void {
  const totals: Record<string, number> = { ...table.totals() };
  for (const [hub, { messages }] of Object.entries(cursors?.cursors ?? {})) totals[hub] = Math.max(totals[hub] ?? 0, messages);
  table.restore({}, totals);
}
