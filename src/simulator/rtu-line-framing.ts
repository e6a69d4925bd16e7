import { hasGoodCrc, withCrc } from './crc16.ts';
import type { LineFraming } from './line-framing.ts';

/** Modbus over Serial Line V1.02, section 2.5.1. What a wrong CRC stands behind is thrown away whole. */
export const rtuLineFraming: LineFraming = {
  take: (bytes) => {
    const length = requestLength(bytes);
    if (length === undefined || bytes.length < length) return undefined;
    const request = bytes.subarray(0, length);
    return hasGoodCrc(request) ? { bytes: length, body: request.subarray(0, -2) } : { bytes: bytes.length };
  },
  frame: withCrc,
  spoil: (frame) => {
    const spoilt = Buffer.from(frame);
    spoilt.writeUInt8(frame.readUInt8(frame.length - 1) ^ 0xff, frame.length - 1);
    return spoilt;
  },
  forgetAfterMs: 100,
};

/** Bytes of the request that begins here, CRC included; `undefined`: not to be told yet. */
function requestLength(bytes: Buffer): number | undefined {
  const functionCode = bytes[1];
  if (functionCode === undefined) return undefined;
  const counted = (at: number): number | undefined => {
    const count = bytes[at];
    return count === undefined ? undefined : at + 1 + count + 2;
  };
  switch (functionCode) {
    case 15:
    case 16:
      return counted(6);
    case 23:
      return counted(10);
    case 22:
      return 10;
    case 43:
      return 7;
    case 7:
    case 11:
    case 12:
    case 17:
      return 4;
    default:
      return 8;
  }
}
