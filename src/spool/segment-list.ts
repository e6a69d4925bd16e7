import { GatewayError } from '../model/error.ts';
import type { BlockCodec } from './block.ts';
import type { FileSystem } from './file-system.ts';
import { parseSegmentName, readSegment, type Segment } from './segment.ts';

export interface LogPlace {
  readonly fileSystem: FileSystem;
  readonly codec: BlockCodec;
  readonly directory: string;
}

/** The segments of a directory in order; only their heads are read. Rejects with SPOOL_LOCKED where a key is missing. */
export async function listSegments({ fileSystem, codec, directory }: LogPlace): Promise<Segment[]> {
  const names = await fileSystem.list(directory);
  const firsts = names.map(parseSegmentName).filter((first) => first !== undefined);
  const segments: Segment[] = [];
  for (const first of firsts.toSorted((a, b) => a - b)) segments.push(await readSegment(fileSystem, directory, first));
  for (const [index, segment] of segments.entries()) leaveOutRoom(segment, segments[index + 1]);
  for (const { path, head } of segments) if (!codec.knows(head?.key)) throw locked(path, head?.key);
  return segments;
}

/** What is behind the last commit of an older segment means nothing: room that was not cut off, or a commit that failed. */
function leaveOutRoom(segment: Segment, next: Segment | undefined): void {
  if (next?.head?.previous !== segment.first) return;
  segment.bytes = Math.min(segment.bytes, segment.head?.thinned?.bytes ?? next.head.previousBytes);
}

function locked(path: string, key = ''): GatewayError {
  const message = `encrypted with the key ${key}, which is not among the keys of \`spool.encryption\`; nothing was touched`;
  return new GatewayError('SPOOL_LOCKED', path, message);
}
