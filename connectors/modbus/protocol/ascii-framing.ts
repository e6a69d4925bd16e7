import type { Found, Framing } from './framing.ts';
import { MAX_BODY_BYTES } from './request.ts';

const COLON = 0x3a;
const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
const LRC_BYTES = 1;
/** Colon, carriage return, line feed. */
const MARKS = 3;

/**
 * Modbus ASCII (Modbus over Serial Line V1.02, section 2.5.2): a colon, two hexadecimal digits for each byte of body and LRC, carriage
 * return, line feed. A colon begins a frame wherever it comes: what stands before it is over.
 */
export const asciiFraming = {
  encode: (body: Uint8Array) =>
    Buffer.from(`:${Buffer.from(body).toString('hex').toUpperCase()}${hexByte(lrc(body))}\r\n`, 'latin1'),
  find: (bytes: Buffer): Found | undefined => {
    for (let start = bytes.indexOf(COLON); start >= 0; start = bytes.indexOf(COLON, start + 1)) {
      const found = frameAt(bytes, start);
      if (found !== undefined) return found;
    }
    return undefined;
  },
  frameBytes: (bodyBytes: number) => MARKS + 2 * (bodyBytes + LRC_BYTES),
  silenceMs: () => 0,
} satisfies Framing;

/** What added to all bytes gives 0, in eight bits. */
function lrc(bytes: Uint8Array): number {
  return -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;
}

function hexByte(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, '0');
}

function frameAt(bytes: Buffer, start: number): Found | undefined {
  const end = bytes.indexOf(LINE_FEED, start);
  if (end < 0 || bytes[end - 1] !== CARRIAGE_RETURN) return undefined;
  const digits = bytes.toString('latin1', start + 1, end - 1);
  if (!/^(?:[0-9A-Fa-f]{2})+$/.test(digits)) return undefined;
  const decoded = Buffer.from(digits, 'hex');
  const body = decoded.subarray(0, -LRC_BYTES);
  if (body.length < 2 || body.length > MAX_BODY_BYTES || lrc(body) !== decoded.at(-1)) return undefined;
  return { skipped: start, bytes: end + 1 - start, body };
}
