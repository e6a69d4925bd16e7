import { join } from 'node:path';
import { MESSAGE_CLASSES, type MessageClass, type TwinMessage } from '../model/twin-message.ts';
import { BlockCodec } from './block.ts';
import { CursorFile, type CursorRecord } from './cursor-file.ts';
import type { FileSystem } from './file-system.ts';
import { FrameScanner } from './frame-scanner.ts';
import { decodeHead, decodeMessage, type MessageHead } from './message-record.ts';
import { FIRST_FRAME_AT, type Segment } from './segment.ts';
import { type LogPlace, listSegments } from './segment-list.ts';

/** Looks into a spool from outside, whether a gateway runs on it or not: reads only, takes no lock. */
export interface SpoolView {
  /** The most urgent class first; those without a directory are missing. */
  readonly logs: readonly LogView[];
}

/** The log of one class. */
export interface LogView {
  readonly class: MessageClass;
  readonly segments: readonly Segment[];
  readonly cursors: CursorRecord | undefined;
  /** Slots of the cursors that are damaged. */
  readonly damagedCursors: number;
  /** Everything that is in the log, in order. The end of the newest segment may be a commit under way: no damage. */
  items(): AsyncGenerator<SpoolItem>;
}

export type SpoolItem =
  | {
      readonly found: 'message';
      readonly offset: number;
      readonly epoch: string;
      readonly head: MessageHead;
      readonly message: TwinMessage;
    }
  | { readonly found: 'thinned'; readonly offset: number; readonly epoch: string; readonly head: MessageHead }
  | { readonly found: 'damage'; readonly path: string; readonly from: number; readonly to: number; readonly isLast: boolean };

export interface SpoolViewOptions {
  readonly directory: string;
  readonly fileSystem: FileSystem;
  readonly keys: readonly Uint8Array[];
}

/** Rejects with SPOOL_CORRUPT for a later format, SPOOL_LOCKED for a missing key, and what the disk says. */
export async function viewSpool(options: SpoolViewOptions): Promise<SpoolView> {
  const { directory, fileSystem, keys } = options;
  const codec = new BlockCodec({ compression: 'none', keys });
  // As an older gateway left it, or it was never started since.
  const old = await viewLog('telemetry', { fileSystem, codec, directory });
  const logs = old.segments.length > 0 ? [old] : [];
  for (const name of MESSAGE_CLASSES) {
    const place = { fileSystem, codec, directory: join(directory, name) };
    const isThere = await fileSystem.list(place.directory).then(
      () => true,
      () => false,
    );
    if (isThere) logs.push(await viewLog(name, place));
  }
  return { logs };
}

async function viewLog(name: MessageClass, place: LogPlace): Promise<LogView> {
  const { fileSystem, codec, directory } = place;
  const segments = await listSegments(place);
  const { record, damaged } = await new CursorFile(fileSystem, directory).read();
  return { class: name, segments, cursors: record, damagedCursors: damaged, items: () => walk(segments, fileSystem, codec) };
}

async function* walk(segments: readonly Segment[], fileSystem: FileSystem, codec: BlockCodec): AsyncGenerator<SpoolItem> {
  for (const [index, segment] of segments.entries()) {
    const endOffset = segments[index + 1]?.first ?? Number.POSITIVE_INFINITY;
    for await (const item of walkSegment(segment, endOffset, fileSystem, codec)) yield item;
  }
}

async function* walkSegment(
  segment: Segment,
  endOffset: number,
  fileSystem: FileSystem,
  codec: BlockCodec,
): AsyncGenerator<SpoolItem> {
  const { path, bytes } = segment;
  const file = await fileSystem.open(path, 'read');
  try {
    const scanner = new FrameScanner(file, FIRST_FRAME_AT, codec);
    for (let items = await scanner.next(bytes); items.length > 0; items = await scanner.next(bytes)) {
      for (const item of items) {
        if (item.found === 'damage') {
          const isLast = endOffset === Number.POSITIVE_INFINITY && item.to >= bytes;
          const isRoom = isLast && item.zerosFrom === item.from;
          if (!isRoom) yield { found: 'damage', from: item.from, to: item.to, path, isLast };
          continue;
        }
        const { kind, offset, epoch } = item.frame;
        if (kind !== 'message' || offset >= endOffset) continue;
        const [head, message] = [decodeHead(item.frame), decodeMessage(item.frame)];
        if (head !== undefined && item.frame.body.length === 0) yield { found: 'thinned', offset, epoch, head };
        else if (head === undefined || message === undefined)
          yield { found: 'damage', path, from: item.at, to: item.at, isLast: false };
        else yield { found: 'message', offset, epoch, head, message };
      }
    }
  } finally {
    await file.close();
  }
}
