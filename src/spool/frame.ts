import { crc32 } from 'node:zlib';

/**
 * The frame: everything the spool writes is one. Little-endian:
 *
 *   0  magic 'FMR1'        16  kind                   32  epoch, 8 bytes
 *   4  CRC-32 of the rest  20  index in its commit    40  head (JSON), then body (JSON)
 *   8  length of payload   24  offset in the log
 *  12  length of the head
 *
 * CRC-32 is zlib's (IEEE 802.3), which Node computes natively; it guards against damage, not against intent. Offsets rise
 * strictly within a file. A length is never trusted past the end of what is being read. A commit is written with one
 * fdatasync; `index` counts its messages from 0, so that `offset - index` names the commit: a power cut can tear only the
 * last one, whatever the order in which the disk wrote its pages.
 */
export interface Frame {
  readonly kind: FrameKind;
  readonly offset: number;
  readonly index: number;
  /** 16 hexadecimal digits. */
  readonly epoch: string;
  readonly head: Buffer;
  readonly body: Buffer;
}

/** `message`: in memory only; on disk several stand in a `block` (block.ts). */
export type FrameKind = 'segment' | 'sequences' | 'message' | 'cursors' | 'block';

const KINDS: readonly FrameKind[] = ['segment', 'sequences', 'message', 'cursors', 'block'];
const MAGIC = Buffer.from('FMR1', 'latin1');
export const FRAME_HEADER_BYTES = 40;
/** No frame is longer; a length above is damage. */
export const MAX_FRAME_BYTES = 64 * 2 ** 20;

export function encodeFrame(frame: Frame): Buffer {
  const bytes = Buffer.allocUnsafe(frameBytes(frame));
  writeFrame(frame, bytes);
  return bytes;
}

/** The frames one after the other, each copied once. */
export function encodeFrames(frames: readonly Frame[]): Buffer {
  const bytes = Buffer.allocUnsafe(frames.reduce((sum, frame) => sum + frameBytes(frame), 0));
  let at = 0;
  for (const frame of frames) {
    const end = at + frameBytes(frame);
    writeFrame(frame, bytes.subarray(at, end));
    at = end;
  }
  return bytes;
}

function writeFrame(frame: Frame, bytes: Buffer): void {
  const length = frame.head.length + frame.body.length;
  MAGIC.copy(bytes, 0);
  bytes.writeUInt32LE(length, 8);
  bytes.writeUInt32LE(frame.head.length, 12);
  bytes.writeUInt32LE(KINDS.indexOf(frame.kind), 16);
  bytes.writeUInt32LE(frame.index, 20);
  bytes.writeBigUInt64LE(BigInt(frame.offset), 24);
  bytes.write(frame.epoch, 32, 8, 'hex');
  frame.head.copy(bytes, FRAME_HEADER_BYTES);
  frame.body.copy(bytes, FRAME_HEADER_BYTES + frame.head.length);
  bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4);
}

export function frameBytes(frame: Pick<Frame, 'head' | 'body'>): number {
  return FRAME_HEADER_BYTES + frame.head.length + frame.body.length;
}

/** The frame at `at`; or how many bytes it would take to tell; or `undefined`: there is none. */
export function decodeFrame(bytes: Buffer, at: number): Frame | number | undefined {
  const available = bytes.length - at;
  const magic = Math.min(available, MAGIC.length);
  if (bytes.compare(MAGIC, 0, magic, at, at + magic) !== 0) return undefined;
  if (available < FRAME_HEADER_BYTES) return FRAME_HEADER_BYTES;
  const length = bytes.readUInt32LE(at + 8);
  const headLength = bytes.readUInt32LE(at + 12);
  const size = FRAME_HEADER_BYTES + length;
  if (size > MAX_FRAME_BYTES || headLength > length) return undefined;
  if (available < size) return size;
  return checkedFrame(bytes.subarray(at, at + size), headLength);
}

function checkedFrame(bytes: Buffer, headLength: number): Frame | undefined {
  const kind = KINDS[bytes.readUInt32LE(16)];
  if (kind === undefined || crc32(bytes.subarray(8)) !== bytes.readUInt32LE(4)) return undefined;
  return {
    kind,
    offset: Number(bytes.readBigUInt64LE(24)),
    index: bytes.readUInt32LE(20),
    epoch: bytes.toString('hex', 32, 40),
    head: bytes.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + headLength),
    body: bytes.subarray(FRAME_HEADER_BYTES + headLength),
  };
}

/** Where the next frame may begin, at or after `from`; `undefined` when no magic is in sight. */
export function findFrame(bytes: Buffer, from: number): number | undefined {
  const at = bytes.indexOf(MAGIC, from);
  return at < 0 ? undefined : at;
}
