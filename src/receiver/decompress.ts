import { gunzipSync, zstdDecompressSync } from 'node:zlib';

/** By the first bytes (RFC 1952 §2.3.1, RFC 8878 §3.1.1). No text in UTF-8 begins with them. */
const FORMATS = [
  { start: [0x1f, 0x8b], decompress: gunzipSync },
  { start: [0x28, 0xb5, 0x2f, 0xfd], decompress: zstdDecompressSync },
] as const;
/** Far above any message of ours: what would be larger is none. */
const MAX_OUTPUT_BYTES = 16 * 2 ** 20;

/** The text of a payload, compressed or not; `undefined` where it is damaged, or too large. */
export function textOf(payload: Uint8Array): string | undefined {
  const format = FORMATS.find(({ start }) => start.every((byte, index) => payload[index] === byte));
  if (format === undefined) return Buffer.from(payload).toString();
  try {
    return format.decompress(payload, { maxOutputLength: MAX_OUTPUT_BYTES }).toString();
  } catch {
    return undefined;
  }
}
