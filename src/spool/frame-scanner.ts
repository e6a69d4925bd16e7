import { type BlockCodec, countOf } from './block.ts';
import { type File, readUpTo } from './file-system.ts';
import { decodeFrame, type Frame, findFrame, frameBytes } from './frame.ts';

/**
 * A frame with the place of its first byte, a message with that of its block; or a stretch in which there is none, with the place
 * from which on it is nothing but zeros.
 */
export type Scanned =
  | { readonly found: 'frame'; readonly at: number; readonly frame: Frame }
  | { readonly found: 'damage'; readonly from: number; readonly to: number; readonly zerosFrom: number };

const CHUNK_BYTES = 256 * 1024;
const MAGIC_BYTES = 4;

/** Walks a file in big chunks; where bytes are damaged it goes on at the next frame that is whole and whose offset rises. */
export class FrameScanner {
  readonly #file: File;
  readonly #codec: BlockCodec;
  #position: number;
  #lastOffset = -1;
  #damagedFrom: number | undefined;
  #zerosFrom = 0;
  #chunkBytes = CHUNK_BYTES;

  constructor(file: File, position: number, codec: BlockCodec) {
    this.#file = file;
    this.#codec = codec;
    this.#position = position;
  }

  /** The next frames before `limit`; empty at the limit, which must be the end of a frame or of the file. */
  async next(limit: number): Promise<readonly Scanned[]> {
    const scanned: Scanned[] = [];
    while (scanned.length === 0 && this.#position < limit) {
      const bytes = await readUpTo(this.#file, this.#position, Math.min(this.#chunkBytes, limit - this.#position));
      const isLast = bytes.length < this.#chunkBytes || this.#position + bytes.length >= limit;
      const used = this.#walk(bytes, isLast, scanned);
      this.#position = isLast ? limit : this.#position + used;
      if (isLast) this.#endDamage(limit, scanned);
    }
    return scanned.flatMap((item) => this.#unpack(item));
  }

  #walk(bytes: Buffer, isLast: boolean, scanned: Scanned[]): number {
    this.#chunkBytes = CHUNK_BYTES;
    let at = 0;
    while (at < bytes.length) {
      const result = decodeFrame(bytes, at);
      if (typeof result === 'number' && !isLast) {
        this.#chunkBytes = Math.max(CHUNK_BYTES, result);
        return at;
      }
      if (typeof result === 'object' && result.offset > this.#lastOffset) {
        this.#take(result, this.#position + at, scanned);
        at += frameBytes(result);
      } else {
        const next = findFrame(bytes, at + 1) ?? Math.max(at + 1, bytes.length - MAGIC_BYTES + 1);
        this.#addDamage(bytes, at, next);
        at = next;
      }
    }
    return at;
  }

  #addDamage(bytes: Buffer, from: number, to: number): void {
    if (this.#damagedFrom === undefined) this.#zerosFrom = this.#position + from;
    this.#damagedFrom ??= this.#position + from;
    let end = to;
    while (end > from && bytes[end - 1] === 0) end -= 1;
    if (end > from) this.#zerosFrom = this.#position + end;
  }

  #take(frame: Frame, at: number, scanned: Scanned[]): void {
    this.#endDamage(at, scanned);
    this.#lastOffset = frame.offset + (frame.kind === 'block' ? countOf(frame) - 1 : 0);
    scanned.push({ found: 'frame', at, frame });
  }

  #unpack(item: Scanned): readonly Scanned[] {
    if (item.found === 'damage' || item.frame.kind !== 'block') return [item];
    const messages = this.#codec.open(item.frame);
    if (messages === undefined) {
      const to = item.at + frameBytes(item.frame);
      return [{ found: 'damage', from: item.at, to, zerosFrom: to }];
    }
    return messages.map((frame) => ({ ...item, frame }));
  }

  #endDamage(to: number, scanned: Scanned[]): void {
    if (this.#damagedFrom !== undefined) {
      scanned.push({ found: 'damage', from: this.#damagedFrom, to, zerosFrom: this.#zerosFrom });
    }
    this.#damagedFrom = undefined;
  }
}
