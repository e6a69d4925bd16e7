import { COIL_ON } from './encode-request.ts';
import { findIdentificationMismatch } from './identification.ts';
import { answerBytes, answerDataBytes, isRead, type Request, type WriteRequest } from './request.ts';

/**
 * Whether an answer belongs to its request: every byte that can be compared is. `body`: unit and PDU, without a CRC. Gives what
 * does not fit, or `undefined`. An exception of the right unit and function fits.
 */
export function findMismatch(request: Request, body: Buffer): string | undefined {
  if (body.length < 3) return `answer of ${body.length} bytes`;
  if (body[0] !== request.unit) return `answer of unit ${body[0]}`;
  if (body[1] === (request.function | 0x80)) return body.length === 3 ? undefined : `exception of ${body.length} bytes`;
  if (body[1] !== request.function) return `answer to function ${body[1]}`;
  if (isRead(request) || request.function === 23) return findReadMismatch(answerDataBytes(request), body);
  if (request.function === 43) return findIdentificationMismatch(request, body);
  return findWriteMismatch(request, body);
}

function findReadMismatch(dataBytes: number, body: Buffer): string | undefined {
  if (body[2] !== dataBytes) return `byte count ${body[2]}, expected ${dataBytes}`;
  if (body.length !== 3 + dataBytes) return `${body.length - 3} bytes of data, byte count says ${dataBytes}`;
  return undefined;
}

/** Functions 5, 6 and 22 are echoed whole, 15 and 16 with address and quantity. */
function findWriteMismatch(request: WriteRequest, body: Buffer): string | undefined {
  const length = answerBytes(request);
  if (body.length !== length) return `confirmation of ${body.length} bytes, expected ${length}`;
  const address = body.readUInt16BE(2);
  if (address !== request.address) return `confirmed address ${address}, expected ${request.address}`;
  const [what, expected] = echoed(request);
  const confirmed = length === 8 ? body.readUInt32BE(4) : body.readUInt16BE(4);
  return confirmed === expected ? undefined : `confirmed ${what} ${confirmed}, expected ${expected}`;
}

function echoed(request: WriteRequest): readonly [what: string, expected: number] {
  switch (request.function) {
    case 5:
      return ['value', request.value ? COIL_ON : 0];
    case 6:
      return ['value', request.value];
    case 15:
      return ['quantity', request.values.length];
    case 16:
      return ['quantity', request.registers.length / 2];
    case 22:
      return ['masks', request.and * 0x1_0000 + request.or];
  }
}
