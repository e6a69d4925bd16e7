import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { z } from 'zod';
import type { Packet } from './dialect.ts';

/**
 * In the thread that polls devices: up to 100 KB that takes a millisecond of gzip, less of zstd, and handing a message of the usual 4 KB
 * to another thread takes longer than compressing it.
 */
const COMPRESS = {
  gzip: (bytes: Uint8Array) => gzipSync(bytes, { level: bytes.length <= THOROUGH_TO_BYTES ? 6 : 1 }),
  zstd: (bytes: Uint8Array) => zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 1 } }),
} as const;

type Compression = keyof typeof COMPRESS;

/** A fifth smaller than the quickest way; above it takes four times as long, and would hold up a poll. */
const THOROUGH_TO_BYTES = 16_384;
/** User property of MQTT 5, in the words of HTTP (RFC 9110 §8.4). */
const ENCODING_PROPERTY = 'content-encoding';
/** Of the property that tells of it. */
const OVERHEAD_BYTES = 5 + ENCODING_PROPERTY.length + 'gzip'.length;

export function compressSetting() {
  return z
    .enum(['gzip', 'zstd'])
    .optional()
    .meta({
      description:
        'Compresses the payload of each message that gets smaller by it. MQTT 5 tells it by the user property `content-encoding`; without it a receiver knows it by the first bytes. Status, metadata and results stay as they are',
      examples: ['zstd'],
    });
}

/** The payload compressed, or `undefined` where that would not be smaller. The same bytes give the same. */
export function compressPayload(payload: Uint8Array, compression: Compression): Uint8Array | undefined {
  const compressed = COMPRESS[compression](payload);
  return compressed.length + OVERHEAD_BYTES < payload.length ? compressed : undefined;
}

export function compressPacket(packet: Packet, compression: Compression | undefined): Packet {
  const payload = compression === undefined ? undefined : compressPayload(packet.payload, compression);
  if (payload === undefined) return packet;
  return { ...packet, payload, isBinary: true, properties: { ...packet.properties, [ENCODING_PROPERTY]: `${compression}` } };
}
