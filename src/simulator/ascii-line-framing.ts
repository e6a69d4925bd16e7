import type { LineFraming } from './line-framing.ts';

/** A colon, two digits for each byte of unit, PDU and LRC, CR LF: Modbus over Serial Line V1.02, section 2.5.2. */
export const asciiLineFraming: LineFraming = {
  take: (bytes) => {
    const end = bytes.indexOf('\r\n', 0, 'latin1');
    if (end < 0) return undefined;
    // A colon begins anew.
    const digits = bytes.toString('latin1', bytes.lastIndexOf(':', end, 'latin1') + 1, end);
    const body = /^(?:[0-9A-F]{2})*$/i.test(digits) && bytes.includes(':') ? withoutLrc(Buffer.from(digits, 'hex')) : undefined;
    return { bytes: end + 2, ...(body === undefined ? {} : { body }) };
  },
  frame: (body) => Buffer.from(`:${hex(body)}${hex(Buffer.of(lrcOf(body)))}\r\n`, 'latin1'),
  spoil: (frame) => {
    const spoilt = Buffer.from(frame);
    const at = frame.length - 3;
    spoilt.write(frame.toString('latin1', at, at + 1) === '0' ? '1' : '0', at, 'latin1');
    return spoilt;
  },
  forgetAfterMs: 1_000,
};

function lrcOf(bytes: Buffer): number {
  let sum = 0;
  for (const byte of bytes) sum = (sum + byte) & 0xff;
  return (0x100 - sum) & 0xff;
}

function withoutLrc(bytes: Buffer): Buffer | undefined {
  return bytes.length >= 3 && lrcOf(bytes) === 0 ? bytes.subarray(0, -1) : undefined;
}

function hex(bytes: Buffer): string {
  return bytes.toString('hex').toUpperCase();
}
