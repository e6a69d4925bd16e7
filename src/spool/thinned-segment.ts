import type { BlockCodec } from './block.ts';
import { type File, type FileSystem, writeAll } from './file-system.ts';
import { encodeFrames, type Frame } from './frame.ts';
import { FrameScanner } from './frame-scanner.ts';
import { encodeStart, FIRST_FRAME_AT, readSequences, type Segment } from './segment.ts';

export interface Rewriting {
  readonly fileSystem: FileSystem;
  readonly codec: BlockCodec;
  readonly segment: Segment;
  /** The message as it is to stand there; its offset and head stay. */
  readonly change: (message: Frame) => Frame;
}

const SUFFIX = '.thin';

/** A file that was being written when the gateway was killed; it means nothing. */
export function isThinning(name: string): boolean {
  return name.endsWith(`.log${SUFFIX}`);
}

export function thinningPath({ path }: Segment): string {
  return path + SUFFIX;
}

/**
 * Writes a segment anew beside itself, block by block; durable when it resolves, and in its place once it is renamed. `undefined`,
 * and nothing is left behind, where anything in the segment is damaged.
 */
export async function writeThinned(rewriting: Rewriting): Promise<Segment | undefined> {
  const { fileSystem, codec, segment } = rewriting;
  const sequences = await readSequences(fileSystem, segment);
  const blocks = await sealAll(rewriting);
  if (segment.head === undefined || sequences === undefined || blocks === undefined) return undefined;
  const { key: _, thinned, ...facts } = segment.head;
  const key = codec.keyId === undefined ? {} : { key: codec.keyId };
  const passes = (thinned?.passes ?? 0) + 1;
  const blockBytes = blocks.reduce((sum, { length }) => sum + length, 0);
  // How many digits the number of bytes has is part of the bytes.
  for (let bytes = blockBytes; ; bytes += 1) {
    const head = { ...facts, ...key, thinned: { passes, bytes } };
    const start = encodeStart(segment.first, head, sequences);
    if (start.length + blockBytes !== bytes) continue;
    await writeFile(fileSystem, thinningPath(segment), [start, ...blocks]);
    return { ...segment, bytes, head };
  }
}

async function sealAll({ fileSystem, codec, segment, change }: Rewriting): Promise<readonly Buffer[] | undefined> {
  const file = await fileSystem.open(segment.path, 'read');
  try {
    const scanner = new FrameScanner(file, FIRST_FRAME_AT, codec);
    const blocks: Buffer[] = [];
    for (let items = await scanner.next(segment.bytes); items.length > 0; items = await scanner.next(segment.bytes)) {
      const messages: Frame[] = [];
      for (const item of items) {
        if (item.found === 'damage') return undefined;
        if (item.frame.kind === 'message') messages.push(change(item.frame));
      }
      for (const run of consecutive(messages)) blocks.push(encodeFrames(await codec.seal(run)));
    }
    return blocks;
  } finally {
    await file.close();
  }
}

/** A block numbers its messages from its first one. */
function consecutive(messages: readonly Frame[]): readonly (readonly Frame[])[] {
  const runs: Frame[][] = [];
  let next: number | undefined;
  for (const message of messages) {
    if (message.offset !== next) runs.push([]);
    runs.at(-1)?.push(message);
    next = message.offset + 1;
  }
  return runs;
}

async function writeFile(fileSystem: FileSystem, path: string, parts: readonly Buffer[]): Promise<void> {
  let file: File | undefined;
  try {
    file = await fileSystem.open(path, 'create');
    let at = 0;
    for (const part of parts) {
      await writeAll(file, part, at);
      at += part.length;
    }
    await file.datasync();
    await file.close();
  } catch (error) {
    await file?.close().catch(() => {});
    await fileSystem.remove(path).catch(() => {});
    throw error;
  }
}
