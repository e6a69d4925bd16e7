import { answerDataBytes, isRead, type Request } from './request.ts';

/**
 * Whether an answer belongs to its request: every byte that can be compared is. Both are RTU frames without CRC: unit,
 * function, data. Gives what does not fit, or `undefined`. An exception of the right unit and function fits.
 */
export function findMismatch(request: Request, sent: Buffer, answer: Buffer): string | undefined {
  if (answer.length < 3) return `answer of ${answer.length} bytes`;
  if (answer[0] !== request.unit) return `answer of unit ${answer[0]}`;
  if (answer[1] === (request.function | 0x80)) return answer.length === 3 ? undefined : `exception of ${answer.length} bytes`;
  if (answer[1] !== request.function) return `answer to function ${answer[1]}`;
  return isRead(request) ? findReadMismatch(answerDataBytes(request), answer) : findWriteMismatch(sent, answer);
}

function findReadMismatch(dataBytes: number, answer: Buffer): string | undefined {
  if (answer[2] !== dataBytes) return `byte count ${answer[2]}, expected ${dataBytes}`;
  if (answer.length !== 3 + dataBytes) return `${answer.length - 3} bytes of data, byte count says ${dataBytes}`;
  return undefined;
}

/** Functions 5 and 6 are echoed whole, 15 and 16 with address and quantity: in each case the first six bytes. */
function findWriteMismatch(sent: Buffer, answer: Buffer): string | undefined {
  const expected = sent.subarray(0, 6);
  if (answer.equals(expected)) return undefined;
  return `confirmed ${answer.subarray(2).toString('hex')}, expected ${expected.subarray(2).toString('hex')}`;
}
