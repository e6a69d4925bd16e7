import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, type ZstdOptions, zstdCompress, zstdDecompressSync } from 'node:zlib';
import type { Frame } from './frame.ts';

/**
 * The block: messages that were committed together, about 64 KiB of them, as one frame of kind `block`. Its offset is that of its
 * first message, its index the number of messages before it in the commit. What is damaged of it is lost with the block.
 *
 *   head  JSON: n, how many messages; z, 1 where the body is compressed (zstd); b, then, the bytes of the records; k, the id of the key
 *         it is encrypted with
 *   body  the records, compressed, then encrypted: 12 bytes nonce, AES-256-GCM of the rest, 16 bytes tag. Offset, index and
 *         epoch are authenticated with it, so that a block cannot be moved to another place unnoticed.
 *
 * A record, little-endian: length of the message's head, length of its body, 4 bytes each; head; body (message-record.ts).
 */
interface BlockHead {
  readonly n: number;
  readonly z?: 1;
  /** Missing where an earlier version wrote it. */
  readonly b?: number;
  readonly k?: string;
}

export interface BlockOptions {
  readonly compression: 'zstd' | 'none';
  /** The first encrypts; the others only open what was written with them. None: nothing is encrypted. */
  readonly keys: readonly Uint8Array[];
}

const TARGET_BYTES = 64 * 1024;
const RECORD_HEADER_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** A window of a block, no more: what zstd sets up for large ones costs twice as much as the compressing. */
const WINDOW_LOG = 17;
const LEVEL = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_windowLog]: WINDOW_LOG };
const OUTPUT_ROOM_BYTES = 1_024;
/** The smallest that Node takes, and enough that it sees the end. */
const DECOMPRESS_ROOM_BYTES = 64;
/** A body that says it is larger is damage, whatever its checksum says. */
const MAX_BODY_BYTES = 64 * 2 ** 20;

const compress = promisify(zstdCompress) as (bytes: Buffer, options: ZstdOptions) => Promise<Buffer>;

interface Key {
  readonly id: string;
  readonly bytes: Buffer;
}

/**
 * Makes blocks of messages and messages of blocks. Compressing is done beside the thread that polls devices; to open a block takes that
 * thread 0.08 ms, as long as to have another one do it.
 */
export class BlockCodec {
  readonly #isCompressing: boolean;
  readonly #keys: readonly Key[];

  constructor({ compression, keys }: BlockOptions) {
    this.#isCompressing = compression === 'zstd';
    this.#keys = keys.map(toKey);
  }

  /** Id of the key that new blocks are encrypted with. */
  get keyId(): string | undefined {
    return this.#keys[0]?.id;
  }

  /** Whether blocks of this key can be opened; `undefined`: of none. */
  knows(keyId: string | undefined): boolean {
    return keyId === undefined || this.#keys.some(({ id }) => id === keyId);
  }

  /** `messages` are frames of kind `message` with rising offsets and indexes. */
  seal(messages: readonly Frame[]): Promise<readonly Frame[]> {
    return Promise.all(groups(messages).map((group) => this.#sealOne(group)));
  }

  /** The messages of a block; `undefined` where it is damaged. */
  open(block: Frame): readonly Frame[] | undefined {
    const head = parseHead(block);
    if (head === undefined) return undefined;
    try {
      const sealed = head.k === undefined ? block.body : this.#decrypt(block, head.k);
      const records = head.z === 1 ? zstdDecompressSync(sealed, roomFor(head)) : sealed;
      const messages = splitRecords(records, block);
      return messages.length === head.n ? messages : undefined;
    } catch {
      return undefined;
    }
  }

  async #sealOne(messages: readonly Frame[]): Promise<Frame> {
    const [first] = messages;
    if (first === undefined) throw new RangeError('a block without messages');
    const records = joinRecords(messages);
    const compressed = this.#isCompressing ? await compress(records, optionsFor(records)) : records;
    const key = this.#keys[0];
    const head: BlockHead = {
      n: messages.length,
      ...(this.#isCompressing ? { z: 1 as const, b: records.length } : {}),
      ...(key === undefined ? {} : { k: key.id }),
    };
    const body = key === undefined ? compressed : encrypt(compressed, key, first);
    return { ...first, kind: 'block', head: Buffer.from(JSON.stringify(head)), body };
  }

  #decrypt(block: Frame, keyId: string): Buffer {
    const key = this.#keys.find(({ id }) => id === keyId);
    if (key === undefined) throw new RangeError('no such key');
    const { body } = block;
    const decipher = createDecipheriv('aes-256-gcm', key.bytes, body.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(placeOf(block));
    decipher.setAuthTag(body.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(body.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  }
}

function optionsFor({ length }: Buffer): ZstdOptions {
  return { params: LEVEL, pledgedSrcSize: length, chunkSize: length + OUTPUT_ROOM_BYTES };
}

/**
 * Node takes 16 KiB for whatever comes out, and the messages keep them: for the small blocks of a gateway that is not busy, twenty times
 * of what they need, which malloc does not give back for days.
 */
function roomFor({ b }: BlockHead): ZstdOptions {
  const room =
    Number.isSafeInteger(b) && b !== undefined && b > 0 && b <= MAX_BODY_BYTES ? { chunkSize: b + DECOMPRESS_ROOM_BYTES } : {};
  return { maxOutputLength: MAX_BODY_BYTES, ...room };
}

/** How many messages a block says it holds; 1 where it does not say. */
export function countOf(block: Frame): number {
  return parseHead(block)?.n ?? 1;
}

function parseHead({ head }: Frame): BlockHead | undefined {
  try {
    const parsed = JSON.parse(head.toString()) as BlockHead;
    return Number.isSafeInteger(parsed.n) && parsed.n > 0 ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function groups(messages: readonly Frame[]): readonly (readonly Frame[])[] {
  const all: Frame[][] = [];
  let bytes = TARGET_BYTES;
  for (const message of messages) {
    if (bytes >= TARGET_BYTES) {
      all.push([]);
      bytes = 0;
    }
    all.at(-1)?.push(message);
    bytes += recordBytes(message);
  }
  return all;
}

function recordBytes({ head, body }: Frame): number {
  return RECORD_HEADER_BYTES + head.length + body.length;
}

function joinRecords(messages: readonly Frame[]): Buffer {
  const bytes = Buffer.allocUnsafe(messages.reduce((sum, message) => sum + recordBytes(message), 0));
  let at = 0;
  for (const { head, body } of messages) {
    bytes.writeUInt32LE(head.length, at);
    bytes.writeUInt32LE(body.length, at + 4);
    head.copy(bytes, at + RECORD_HEADER_BYTES);
    body.copy(bytes, at + RECORD_HEADER_BYTES + head.length);
    at += RECORD_HEADER_BYTES + head.length + body.length;
  }
  return bytes;
}

function splitRecords(bytes: Buffer, { offset, index, epoch }: Frame): readonly Frame[] {
  const messages: Frame[] = [];
  for (let at = 0; at < bytes.length; ) {
    const headAt = at + RECORD_HEADER_BYTES;
    const bodyAt = headAt + bytes.readUInt32LE(at);
    const end = bodyAt + bytes.readUInt32LE(at + 4);
    if (end > bytes.length) throw new RangeError('a record is longer than its block');
    const place = { offset: offset + messages.length, index: index + messages.length, epoch };
    messages.push({ kind: 'message', ...place, head: bytes.subarray(headAt, bodyAt), body: bytes.subarray(bodyAt, end) });
    at = end;
  }
  return messages;
}

function encrypt(bytes: Buffer, { bytes: key }: Key, place: Frame): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(placeOf(place));
  return Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
}

function placeOf({ offset, index, epoch }: Frame): Buffer {
  return Buffer.from(`${epoch} ${offset} ${index}`);
}

/** Whatever the secret looks like, the key has 256 bits; its id gives nothing of it away. */
function toKey(secret: Uint8Array): Key {
  const bytes = Buffer.from(hkdfSync('sha256', secret, '', 'fieldmarshal spool', 32));
  const id = createHash('sha256').update('id').update(bytes).digest('hex').slice(0, 8);
  return { id, bytes };
}
