import { GatewayError } from '../../../src/model/error.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import { findMismatch } from '../protocol/answer-check.ts';
import type { Count } from '../protocol/counters.ts';
import { writeRequest } from '../protocol/encode-request.ts';
import { isRepeatable, type Request, requestBytes } from '../protocol/request.ts';
import { Alarm } from './alarm.ts';
import type { Receiver } from './receiver.ts';
import type { SocketPort } from './tcp-port.ts';
import type { Units } from './units.ts';
import { badFrame, noAnswer, type Wire } from './wire.ts';

/**
 * Modbus TCP (Messaging on TCP/IP 1.0b, section 3.1.3): transaction id, protocol id 0, length of what follows, then unit and
 * PDU. Answers are matched by id, in whatever order they come. Ids are not used again within 65 536 requests, so a late answer
 * is never taken for another; a header that cannot be right means that the stream is out of step, and the connection is given up.
 */
const HEADER_BYTES = 6;
const MIN_LENGTH = 3;
const MAX_LENGTH = 254;

export interface MbapWireOptions {
  readonly timeoutMs: number;
  /** Requests that may be under way at once. */
  readonly maxInFlight: number;
  /** What comes late is told to it. */
  readonly units: Pick<Units, 'late'>;
  readonly clock: Clock;
  readonly count: Count;
}

interface Pending {
  readonly request: Request;
  readonly settle: (body: Buffer) => void;
  readonly fail: (error: GatewayError) => void;
  readonly timeoutMs: number;
  /** Monotonic milliseconds. */
  readonly untilMs: number;
  /** A device that hangs up at that moment has not seen it: its time for idle connections was over. */
  mayBeRepeated: boolean;
}

/** Devices end connections that are idle for some seconds or minutes. */
const REST_MS = 1_000;

/** Requests remembered for an answer that may still come; of a device that never answers there would be as many as there are ids. */
const MAX_UNANSWERED = 256;

const NOTHING = Buffer.alloc(0);

/** What may still be answered. */
interface Late {
  readonly unit: number;
  readonly sentMs: number;
}

export class MbapWire implements Wire, Receiver {
  readonly capacity: number;
  readonly #port: SocketPort;
  readonly #options: MbapWireOptions;
  readonly #alarm: Alarm;
  /** By transaction id. */
  readonly #pending = new Map<number, Pending>();
  /** Given up, by transaction id; the newest. */
  readonly #unanswered = new Map<number, Late>();
  /** The beginning of an answer. */
  #rest: Buffer = NOTHING;
  #failure: GatewayError | undefined;
  #lastId = 0;
  #lastHeardMs = Number.POSITIVE_INFINITY;

  constructor(port: SocketPort, options: MbapWireOptions) {
    this.#port = port;
    this.#options = options;
    this.capacity = options.maxInFlight;
    this.#alarm = new Alarm(options.clock, (nowMs) => this.#giveUp(nowMs));
    port.listen(this);
  }

  get underWay(): number {
    return this.#pending.size;
  }

  get isIdle(): boolean {
    return this.#rest.length === 0 && [...this.#pending.values()].every(({ mayBeRepeated }) => mayBeRepeated);
  }

  hungUp(): void {
    if (this.#pending.size === 0) return;
    for (const pending of this.#pending.values()) pending.mayBeRepeated = false;
    this.#port.wake().then(
      () => {
        for (const [id, { request }] of this.#pending) this.#port.write(toAdu(id, request));
      },
      () => {},
    );
  }

  exchange(request: Request, shorterMs = Number.POSITIVE_INFINITY): Promise<Buffer> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#port.isAsleep) return this.#port.wake().then(() => this.exchange(request, shorterMs));
    return new Promise((settle, fail) => {
      const id = this.#nextId();
      const timeoutMs = Math.min(shorterMs, this.#options.timeoutMs);
      const nowMs = this.#options.clock.monotonicMs();
      const untilMs = nowMs + timeoutMs;
      const mayBeRepeated = isRepeatable(request) && nowMs - this.#lastHeardMs >= REST_MS;
      this.#pending.set(id, { request, settle, fail, timeoutMs, untilMs, mayBeRepeated });
      this.#alarm.ringBy(untilMs);
      this.#port.write(toAdu(id, request));
    });
  }

  append(bytes: Buffer): void {
    this.#lastHeardMs = this.#options.clock.monotonicMs();
    let stream = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    for (let taken = this.#take(stream); taken > 0; taken = this.#take(stream)) stream = stream.subarray(taken);
    this.#rest = stream.length === 0 ? NOTHING : Buffer.from(stream);
  }

  /** The port is gone, or given up: so is everything under way. */
  fail(error: GatewayError): void {
    this.#failure ??= error;
    this.#port.fail(error);
    this.#alarm.stop();
    for (const { fail } of this.#pending.values()) fail(this.#failure);
    this.#pending.clear();
  }

  #nextId(): number {
    do this.#lastId = (this.#lastId + 1) & 0xffff;
    while (this.#pending.has(this.#lastId));
    this.#unanswered.delete(this.#lastId);
    return this.#lastId;
  }

  /** Hands the first whole ADU over; how many bytes it was, 0 where there is none. */
  #take(stream: Buffer): number {
    if (stream.length < HEADER_BYTES || this.#failure !== undefined) return 0;
    const length = stream.readUInt16BE(4);
    if (stream.readUInt16BE(2) !== 0) return this.#outOfStep(`protocol id ${stream.readUInt16BE(2)}`);
    if (length < MIN_LENGTH || length > MAX_LENGTH) return this.#outOfStep(`a frame of ${length} bytes`);
    const end = HEADER_BYTES + length;
    if (stream.length < end) return 0;
    if (isTornRead(stream, length)) return this.#outOfStep(`byte count ${stream[8]} in a frame of ${length} bytes`);
    this.#deliver(stream.readUInt16BE(0), stream, end);
    return end;
  }

  #deliver(id: number, stream: Buffer, end: number): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) {
      this.#notPending(id);
      return;
    }
    this.#pending.delete(id);
    const body = Buffer.allocUnsafe(end - HEADER_BYTES);
    stream.copy(body, 0, HEADER_BYTES, end);
    const mismatch = findMismatch(pending.request, body);
    if (mismatch === undefined) {
      pending.settle(body);
    } else {
      this.#options.count('bad_frames');
      pending.fail(badFrame(pending.request, mismatch));
    }
  }

  #notPending(id: number): void {
    const { count, units, clock } = this.#options;
    const late = this.#unanswered.get(id);
    this.#unanswered.delete(id);
    count(late === undefined ? 'foreign_frames' : 'late_replies');
    if (late !== undefined) units.late(late.unit, clock.monotonicMs() - late.sentMs);
  }

  /** Time is over for some; gives when it is for the next. */
  #giveUp(nowMs: number): number | undefined {
    let nextMs: number | undefined;
    for (const [id, { request, fail, timeoutMs, untilMs }] of this.#pending) {
      if (untilMs > nowMs) {
        nextMs = Math.min(untilMs, nextMs ?? untilMs);
        continue;
      }
      if (this.#rest.length > 0) this.#outOfStep('half an answer');
      if (!this.#pending.delete(id)) return undefined;
      this.#remember(id, { unit: request.unit, sentMs: untilMs - timeoutMs });
      this.#options.count('timeouts');
      fail(noAnswer(request, timeoutMs));
    }
    return nextMs;
  }

  #remember(id: number, late: Late): void {
    this.#unanswered.set(id, late);
    for (const oldest of this.#unanswered.keys()) {
      if (this.#unanswered.size <= MAX_UNANSWERED) return;
      this.#unanswered.delete(oldest);
    }
  }

  #outOfStep(what: string): 0 {
    const [oldest] = this.#pending.values();
    const subject = oldest === undefined ? 'modbus-tcp' : `unit ${oldest.request.unit}`;
    this.#options.count('bad_frames');
    this.fail(new GatewayError('LINK_PROTOCOL', subject, `the device sent ${what}; the connection is opened anew`));
    return 0;
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
function isTornRead(stream: Buffer, length: number): boolean {
  const code = stream[HEADER_BYTES + 1] ?? 0;
  return code >= 1 && code <= 4 && length !== 3 + (stream[HEADER_BYTES + 2] ?? 0);
}
