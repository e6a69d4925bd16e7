import { hasValidCrc, withCrc, withoutCrc } from './crc.ts';
import type { Found, Framing } from './framing.ts';
import { identificationBytes } from './identification.ts';
import { answerBytes, answerDataBytes, isRead, MAX_BODY_BYTES, type Request } from './request.ts';
import { silentIntervalMs } from './timing.ts';

const CRC_BYTES = 2;

/**
 * Modbus RTU (Modbus over Serial Line V1.02, section 2.5.1): body and CRC. Frames have no mark: where one begins and ends shows by
 * unit, function, the length that follows from them, and a CRC that fits. Noise before a frame is stepped over.
 */
export const rtuFraming: Framing = {
  encode: withCrc,
  find: findFrame,
  frameBytes: (bodyBytes) => bodyBytes + CRC_BYTES,
  silenceMs: silentIntervalMs,
};

/** The first whole frame with a CRC that fits; what may be the wanted answer, not yet complete, is waited for. */
function findFrame(bytes: Buffer, request: Request): Found | undefined {
  for (let start = 0; start < bytes.length; start += 1) {
    const rest = bytes.subarray(start);
    const length = frameLength(rest);
    if (length !== undefined && rest.length >= length && hasValidCrc(rest.subarray(0, length))) {
      return { skipped: start, bytes: length, body: withoutCrc(rest.subarray(0, length)) };
    }
    if (mayBecome(rest, request)) return undefined;
  }
  return undefined;
}

const MAX_DATA_BYTES = 250;
const EXCEPTION_BYTES = 5;

/** Of an answer, from its first bytes; `undefined` while they do not tell, or for functions that are not asked here. */
function frameLength(bytes: Buffer): number | undefined {
  const [, code, dataBytes] = bytes;
  if (code === undefined || dataBytes === undefined) return undefined;
  if ((code & 0x80) !== 0) return EXCEPTION_BYTES;
  if ((code >= 1 && code <= 4) || code === 23) return dataBytes <= MAX_DATA_BYTES ? EXCEPTION_BYTES + dataBytes : undefined;
  if (code === 43) return identificationLength(bytes);
  if (code === 22) return 10;
  return [5, 6, 15, 16].includes(code) ? 8 : undefined;
}

function identificationLength(bytes: Buffer): number | undefined {
  const length = identificationBytes(bytes);
  return length === undefined || length > MAX_BODY_BYTES ? undefined : length + CRC_BYTES;
}

/** Whether these bytes are the beginning of the wanted answer, cut off. */
function mayBecome(bytes: Buffer, request: Request): boolean {
  const [unit, code, dataBytes] = bytes;
  if (unit !== request.unit || bytes.length >= wantedLength(bytes, request)) return false;
  if (code === undefined || code === (request.function | 0x80)) return true;
  if (code !== request.function) return false;
  if (!isRead(request) && request.function !== 23) return true;
  return dataBytes === undefined || dataBytes === answerDataBytes(request);
}

function wantedLength(bytes: Buffer, request: Request): number {
  if (((bytes[1] ?? 0) & 0x80) !== 0) return EXCEPTION_BYTES;
  const known = request.function === 43 ? identificationLength(bytes) : undefined;
  return known ?? answerBytes(request) + CRC_BYTES;
}
