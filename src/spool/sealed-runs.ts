import type { BlockCodec } from './block.ts';
import { encodeFrames, type Frame } from './frame.ts';

/** The blocks of messages between which others may be missing: a block numbers its messages from its first one. */
export async function sealRuns(codec: BlockCodec, messages: readonly Frame[]): Promise<Buffer> {
  const blocks = await Promise.all(consecutive(messages).map((run) => codec.seal(run)));
  return encodeFrames(blocks.flat());
}

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
