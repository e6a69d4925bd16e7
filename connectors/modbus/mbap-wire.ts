import { GatewayError } from '../../src/model/error.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { findMismatch } from './answer-check.ts';
import type { BytePort } from './byte-port.ts';
import type { Count } from './counters.ts';
import { writeRequest } from './encode-request.ts';
import { type Request, requestBytes } from './request.ts';
import { badFrame, noAnswer, type Wire } from './wire.ts';

/**
 * Modbus TCP (Messaging on TCP/IP 1.0b, section 3.1.3): transaction id, protocol id 0, length of what follows, then unit and
 * PDU. Ids are not used again within 65 536 requests, so a late answer is never taken for another; a header that cannot be
 * right means that the stream is out of step, and the connection is given up.
 */
const HEADER_BYTES = 6;
const MIN_LENGTH = 3;
const MAX_LENGTH = 254;

interface Adu {
  readonly id: number;
  /** Unit and PDU. */
  readonly body: Buffer;
}

export class MbapWire implements Wire {
  readonly capacity = 1;
  readonly #port: BytePort;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #count: Count;
  readonly #unanswered = new Set<number>();
  #lastId = 0;

  constructor(port: BytePort, timeoutMs: number, clock: Clock, count: Count) {
    this.#port = port;
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
    this.#count = count;
  }

  fail(error: GatewayError): void {
    this.#port.fail(error);
  }

  async exchange(request: Request): Promise<Buffer> {
    const id = this.#nextId();
    this.#port.write(toAdu(id, request));
    const body = await this.#receive(request, id);
    const mismatch = findMismatch(request, body);
    if (mismatch === undefined) return body;
    this.#count('bad_frames');
    throw badFrame(request, mismatch);
  }

  #nextId(): number {
    this.#lastId = (this.#lastId + 1) & 0xffff;
    this.#unanswered.delete(this.#lastId);
    return this.#lastId;
  }

  async #receive(request: Request, id: number): Promise<Buffer> {
    const { inbox } = this.#port;
    const deadlineMs = this.#clock.monotonicMs() + this.#timeoutMs;
    for (;;) {
      const adu = this.#take(request);
      if (adu?.id === id) return adu.body;
      if (adu !== undefined) this.#count(this.#unanswered.delete(adu.id) ? 'late_replies' : 'foreign_frames');
      else if (!(await inbox.arrival(Math.max(0, deadlineMs - this.#clock.monotonicMs())))) throw this.#missing(request, id);
    }
  }

  /** The next whole ADU. Throws, and gives the connection up, where the stream is out of step. */
  #take(request: Request): Adu | undefined {
    const { inbox } = this.#port;
    const { bytes } = inbox;
    if (bytes.length < HEADER_BYTES) return undefined;
    const length = bytes.readUInt16BE(4);
    if (bytes.readUInt16BE(2) !== 0) throw this.#outOfStep(request, `protocol id ${bytes.readUInt16BE(2)}`);
    if (length < MIN_LENGTH || length > MAX_LENGTH) throw this.#outOfStep(request, `a frame of ${length} bytes`);
    if (bytes.length < HEADER_BYTES + length) return undefined;
    inbox.drop(HEADER_BYTES + length);
    const body = bytes.subarray(HEADER_BYTES, HEADER_BYTES + length);
    if (isTornRead(body)) throw this.#outOfStep(request, `byte count ${body[2]} in a frame of ${length} bytes`);
    return { id: bytes.readUInt16BE(0), body };
  }

  #missing(request: Request, id: number): GatewayError {
    if (this.#port.inbox.bytes.length > 0) return this.#outOfStep(request, 'half an answer');
    this.#unanswered.add(id);
    this.#count('timeouts');
    return noAnswer(request, this.#timeoutMs);
  }

  #outOfStep(request: Request, what: string): GatewayError {
    this.#count('bad_frames');
    const error = new GatewayError(
      'LINK_PROTOCOL',
      `unit ${request.unit}`,
      `the device sent ${what}; the connection is opened anew`,
    );
    this.#port.fail(error);
    return error;
  }
}

function toAdu(id: number, request: Request): Buffer {
  const length = requestBytes(request);
  const adu = Buffer.allocUnsafe(HEADER_BYTES + length);
  adu.writeUInt16BE(id, 0);
  adu.writeUInt16BE(0, 2);
  adu.writeUInt16BE(length, 4);
  writeRequest(request, adu, HEADER_BYTES);
  return adu;
}

/** The answer to a read whose byte count and frame length contradict each other. */
function isTornRead(body: Buffer): boolean {
  const code = body[1] ?? 0;
  return code >= 1 && code <= 4 && body.length !== 3 + (body[2] ?? 0);
}
