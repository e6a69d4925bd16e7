import type { BlockCodec } from './block.ts';
import type { FileSystem } from './file-system.ts';
import type { Frame } from './frame.ts';
import { FrameScanner } from './frame-scanner.ts';
import { writeReplacement } from './replacement.ts';
import { sealRuns } from './sealed-runs.ts';
import { encodeStart, FIRST_FRAME_AT, readSequences, type Segment } from './segment.ts';

export interface Rewriting {
  readonly fileSystem: FileSystem;
  readonly codec: BlockCodec;
  readonly segment: Segment;
  /** First offset of the next segment: what stands there from it on is void. */
  readonly endOffset: number;
  /** The message as it is to stand there; its offset and head stay. */
  readonly change: (message: Frame) => Frame;
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
    const { file } = await writeReplacement(fileSystem, segment.path, [start, ...blocks]);
    await file.close();
    return { ...segment, bytes, head };
  }
}

async function sealAll({ fileSystem, codec, segment, endOffset, change }: Rewriting): Promise<readonly Buffer[] | undefined> {
  const file = await fileSystem.open(segment.path, 'read');
  try {
    const scanner = new FrameScanner(file, FIRST_FRAME_AT, codec);
    const blocks: Buffer[] = [];
    for (let items = await scanner.next(segment.bytes); items.length > 0; items = await scanner.next(segment.bytes)) {
      const messages: Frame[] = [];
      for (const item of items) {
        if (item.found === 'damage') return undefined;
        if (item.frame.kind === 'message' && item.frame.offset < endOffset) messages.push(change(item.frame));
      }
      blocks.push(await sealRuns(codec, messages));
    }
    return blocks;
  } finally {
    await file.close();
  }
}
