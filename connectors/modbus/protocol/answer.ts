import { exceptionError } from './exception.ts';
import { decodeIdentification, type IdentificationPart } from './identification.ts';
import type { Request } from './request.ts';

/** What came back: registers as on the wire, bits, the confirmation of a write, or a part of the device's identification. */
export type Answer = Buffer | readonly boolean[] | 'written' | IdentificationPart;

/** Takes unit and PDU that were checked against the request (`answer-check.ts`). Throws DEVICE_EXCEPTION, DEVICE_UNREACHABLE or DEVICE_BUSY. */
export function decodeAnswer(request: Request, body: Buffer): Answer {
  if (isException(body)) throw exceptionError(request, body[2] ?? 0);
  switch (request.function) {
    case 1:
    case 2:
      return decodeBits(body, request.count);
    case 3:
    case 4:
    case 23:
      return body.subarray(3);
    case 43:
      return decodeIdentification(body);
    default:
      return 'written';
  }
}

export function isException(body: Buffer): boolean {
  return ((body[1] ?? 0) & 0x80) !== 0;
}

function decodeBits(body: Buffer, count: number): readonly boolean[] {
  const bits: boolean[] = [];
  for (let index = 0; index < count; index += 1) bits.push((((body[3 + (index >> 3)] ?? 0) >> (index & 7)) & 1) === 1);
  return bits;
}
