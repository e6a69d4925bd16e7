import { findMismatch } from '../protocol/answer-check.ts';
import { encodeRequest } from '../protocol/encode-request.ts';
import { answerBytes, answerDataBytes, isRead, MAX_REGISTERS, type ReadRequest, type Request } from '../protocol/request.ts';

/**
 * Which of the requests to a unit an answer belongs to, on a line where answers carry no number. Taken for granted is that a unit
 * answers in the order in which it was asked, each request once or never, and within a known time. Whatever was asked and not
 * answered stands in a queue, the request under way last. Then:
 * - An answer that comes belongs to a request of the queue that it fits, by unit, function, length and whatever it repeats. The
 *   oldest that it fits is answered now or never will be, nor will those before it: all these leave the queue.
 * - It is believed if from that oldest on nothing but the very same request stands in the queue: then it is right whichever of
 *   them it belongs to. Otherwise it may be a late one and is thrown away.
 * - So that an answer is not thrown away for ever by a queue of lost ones, a request is not sent while the answer to another would
 *   look the same. A fence is sent before it: a short read whose answer looks like no other in the queue. Once that is answered,
 *   nothing that was asked before it can come any more.
 */
export interface Asked {
  readonly request: Request;
  /** Monotonic milliseconds. */
  readonly sentMs: number;
  /** No answer comes after it. */
  readonly untilMs: number;
}

export class OwedAnswers {
  readonly #byUnit = new Map<number, readonly Asked[]>();

  /** It is about to be sent. */
  add(asked: Asked, nowMs: number): void {
    const { unit } = asked.request;
    this.#byUnit.set(unit, [...this.#open(unit, nowMs), asked]);
  }

  owes(unit: number, nowMs: number): boolean {
    return this.#open(unit, nowMs).length > 0;
  }

  /** What the answer may belong to, the oldest first, and all that was asked after that; it and what is older is settled. */
  settle(body: Buffer, nowMs: number): readonly Asked[] {
    const unit = body[0] ?? 0;
    const open = this.#open(unit, nowMs);
    const oldest = open.findIndex(({ request }) => findMismatch(request, body) === undefined);
    if (oldest < 0) return [];
    this.#byUnit.set(unit, open.slice(oldest + 1));
    return open.slice(oldest);
  }

  /** Whether its answer would look like one that is owed to another request. */
  hides(request: Request, nowMs: number): boolean {
    const isAlike = (other: Request) => answerShape(other) === answerShape(request) && !isSame(other, request);
    return this.#open(request.unit, nowMs).some((asked) => isAlike(asked.request));
  }

  fenceBefore(request: Request, nowMs: number): ReadRequest {
    const code = fenceFunction(request);
    const address = 'address' in request ? request.address : 0;
    const ofCount = (count: number): ReadRequest => ({ function: code, unit: request.unit, address, count });
    let count = 1;
    while (count < MAX_REGISTERS && this.hides(ofCount(count), nowMs)) count += 1;
    return ofCount(count);
  }

  #open(unit: number, nowMs: number): readonly Asked[] {
    return (this.#byUnit.get(unit) ?? []).filter(({ untilMs }) => nowMs < untilMs);
  }
}

export function isSame(one: Request, other: Request): boolean {
  return one === other || encodeRequest(one).equals(encodeRequest(other));
}

/** Of the function that reads what the request is about, so that the unit surely knows it. */
function fenceFunction(request: Request): ReadRequest['function'] {
  if (isRead(request)) return request.function;
  return request.function === 5 || request.function === 15 ? 1 : 3;
}

/** Answers of equal shape cannot be told apart. Writes are confirmed by the beginning of the request. */
function answerShape(request: Request): string {
  if (isRead(request) || request.function === 23) return `${request.function} ${answerDataBytes(request)}`;
  if (request.function === 43) return '43';
  return encodeRequest(request).toString('hex', 1, answerBytes(request));
}
