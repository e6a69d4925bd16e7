import type { GatewayError } from '../../../src/model/error.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import type { Log } from '../../../src/runtime/log.ts';
import { findMismatch } from '../protocol/answer-check.ts';
import type { Count } from '../protocol/counters.ts';
import { encodeRequest } from '../protocol/encode-request.ts';
import { type Framing, transactionBytes } from '../protocol/framing.ts';
import { BROADCAST, type Request } from '../protocol/request.ts';
import type { BytePort } from './byte-port.ts';
import { Damage } from './damage.ts';
import { Echo } from './echo.ts';
import { type Asked, isSame, OwedAnswers } from './owed-answers.ts';
import { silence } from './silence.ts';
import type { Units } from './units.ts';
import { badFrame, noAnswer, type Wire } from './wire.ts';

export interface SerialWireOptions {
  readonly framing: Framing;
  readonly timeoutMs: number;
  /** Silence before each request. */
  readonly silenceMs: number;
  readonly lateWindowMs: number;
  /** Rest after a broadcast. */
  readonly broadcastPauseMs: number;
  readonly echo: 'detect' | 'strip';
  /** How long units take; what comes late is told to it. */
  readonly units: Pick<Units, 'history' | 'late'>;
  /** Time that bytes take on the line; 0 behind a converter. */
  wireMs(bytes: number): number;
  readonly clock: Clock;
  readonly count: Count;
  readonly log: Pick<Log, 'warn'>;
}

/** Enough bytes, no valid frame, then silence this long: the answer was damaged. USB adapters deliver in lumps of up to 16 ms. */
const DAMAGED_AFTER_MS = 50;
/** A line that never gets quiet is not listened to for ever. */
const MAX_DRAIN_WINDOWS = 5;
/** A unit may still answer a request for so many time-outs after it was given up. */
const LATE_WITHIN_TIMEOUTS = 5;

/**
 * Frames on a serial line or through a converter. They carry no transaction id, so a late answer looks like the answer to
 * the next request. Three guards: after silence the line is drained until it is quiet; what another unit sends meanwhile is
 * thrown away; and an answer is believed only if it cannot belong to an earlier request (`owed-answers.ts` says how that is
 * known), which may take a short read, a fence, before the request itself.
 */
export class SerialWire implements Wire {
  readonly capacity = 1;
  readonly #port: BytePort;
  readonly #options: SerialWireOptions;
  readonly #echo: Echo;
  readonly #damage: Damage;
  readonly #owed = new OwedAnswers();
  /** When the last byte of the request leaves. */
  #lastSentMs = 0;
  #turnAroundMs = 0;

  constructor(port: BytePort, options: SerialWireOptions) {
    this.#port = port;
    this.#options = options;
    this.#echo = new Echo(options.echo);
    this.#damage = new Damage(options.log);
  }

  get turnAroundMs(): number {
    return this.#turnAroundMs;
  }

  fail(error: GatewayError): void {
    this.#port.fail(error);
  }

  async exchange(request: Request, timeoutMs = this.#options.timeoutMs): Promise<Buffer> {
    if (request.unit === BROADCAST) return this.#broadcast(request);
    if (isEchoed(request) && this.#echo.isUnknownFor(request)) await this.#learnEcho(request);
    const waitMs = Math.min(timeoutMs, this.#options.timeoutMs);
    this.#takeLate(request);
    if (this.#isHidden(request)) await this.#getInStep(request, waitMs);
    return this.#ask(request, waitMs);
  }

  /** When the fence is not answered, the late answers that it was sent for may have come nevertheless. */
  async #getInStep(request: Request, timeoutMs: number): Promise<void> {
    const fence = this.#owed.fenceBefore(request, this.#options.clock.monotonicMs());
    await this.#ask(fence, timeoutMs).catch((error: unknown) => {
      if (this.#isHidden(request)) throw error;
    });
  }

  async #ask(request: Request, timeoutMs: number): Promise<Buffer> {
    await this.#beSilent();
    if (this.#port.isAsleep) await this.#port.wake();
    this.#throwAway(request);
    this.#send(request);
    const answer = await this.#receive(request, timeoutMs);
    this.#takeLate(request);
    if (this.#owes(request.unit)) await this.#drain(request);
    return answer;
  }

  /** Nobody answers; every unit is given time to do it. The request stands for its confirmation. */
  async #broadcast(request: Request): Promise<Buffer> {
    const { clock, broadcastPauseMs, framing } = this.#options;
    const body = encodeRequest(request);
    const frame = framing.encode(body);
    await this.#beSilent();
    if (this.#port.isAsleep) await this.#port.wake();
    this.#throwAway(request);
    this.#port.write(frame);
    this.#lastSentMs = clock.monotonicMs() + this.#options.wireMs(frame.length);
    const { inbox } = this.#port;
    const leftMs = () => this.#lastSentMs + broadcastPauseMs - clock.monotonicMs();
    while (leftMs() > 0 && (await inbox.arrival(leftMs()))) inbox.drop(inbox.bytes.length);
    return body;
  }

  /** An echoed single write cannot be told from its confirmation, an echoed read can. */
  async #learnEcho({ unit, address, function: code }: Extract<Request, { function: 5 | 6 | 22 }>): Promise<void> {
    const probe: Request = { function: code === 5 ? 1 : 3, unit, address, count: 1 };
    await this.exchange(probe).catch((error: GatewayError) => {
      if (error.code !== 'DEVICE_BAD_FRAME') throw error;
    });
  }

  async #beSilent(): Promise<void> {
    const { clock, silenceMs } = this.#options;
    const quietSinceMs = Math.max(this.#port.inbox.lastArrivalMs, this.#lastSentMs);
    await silence(quietSinceMs + silenceMs, clock);
  }

  #send(request: Request): void {
    const { clock, wireMs, timeoutMs, framing } = this.#options;
    const frame = framing.encode(encodeRequest(request));
    this.#echo.expect(frame);
    this.#port.write(frame);
    const nowMs = clock.monotonicMs();
    const sentMs = nowMs + wireMs(frame.length);
    this.#lastSentMs = sentMs;
    const untilMs = sentMs + wireMs(transactionBytes(request, framing).answer) + (1 + LATE_WITHIN_TIMEOUTS) * timeoutMs;
    this.#owed.add({ request, sentMs, untilMs }, nowMs);
  }

  async #receive(request: Request, timeoutMs: number): Promise<Buffer> {
    const { inbox } = this.#port;
    const { clock, wireMs, framing } = this.#options;
    const { answer: answerBytes } = transactionBytes(request, framing);
    const deadlineMs = this.#lastSentMs + timeoutMs + wireMs(answerBytes);
    for (;;) {
      if (this.#echo.strip(inbox, request)) this.#options.count('echoes');
      const body = this.#take(request);
      if (body !== undefined) {
        if (this.#isBelieved(request, body)) return this.#accept(request, body);
        continue;
      }
      const isEnough = inbox.bytes.length >= answerBytes;
      const leftMs = Math.max(0, deadlineMs - clock.monotonicMs());
      if (!(await inbox.arrival(isEnough ? Math.min(DAMAGED_AFTER_MS, leftMs) : leftMs)))
        throw await this.#unanswered(request, timeoutMs);
    }
  }

  #isBelieved(request: Request, body: Buffer): boolean {
    const mayAnswer = this.#owed.settle(body, this.#options.clock.monotonicMs());
    const [oldest] = mayAnswer;
    if (oldest === undefined && body[0] === request.unit)
      throw this.#bad(request, findMismatch(request, body) ?? 'an answer too many');
    if (oldest !== undefined && mayAnswer.every((asked) => isSame(asked.request, request))) return true;
    this.#countOther(body, oldest);
    return false;
  }

  #accept(request: Request, body: Buffer): Buffer {
    const { clock, wireMs, framing } = this.#options;
    this.#turnAroundMs = Math.max(0, clock.monotonicMs() - this.#lastSentMs - wireMs(framing.frameBytes(body.length)));
    this.#echo.answered(request);
    return body;
  }

  /** What is in the next whole frame of anybody. */
  #take(request: Request): Buffer | undefined {
    const { inbox } = this.#port;
    const found = this.#options.framing.find(inbox.bytes, request);
    if (found === undefined) return undefined;
    this.#damage.frame();
    if (found.skipped > 0) this.#options.count('discarded_bytes', found.skipped);
    inbox.drop(found.skipped + found.bytes);
    return found.body;
  }

  /** `late`: the request that it may belong to. */
  #countOther(body: Buffer, late: Asked | undefined): void {
    this.#options.count(late === undefined ? 'foreign_frames' : 'late_replies');
    if (late !== undefined) this.#options.units.late(body[0] ?? 0, this.#options.clock.monotonicMs() - late.sentMs);
  }

  #owes(unit: number): boolean {
    return this.#owed.owes(unit, this.#options.clock.monotonicMs());
  }

  #isHidden(request: Request): boolean {
    return this.#owed.hides(request, this.#options.clock.monotonicMs());
  }

  async #unanswered(request: Request, timeoutMs: number): Promise<GatewayError> {
    const { count } = this.#options;
    if (this.#port.inbox.bytes.length > 0) {
      count('crc_errors');
      return this.#bad(request, this.#damage.describe());
    }
    count('timeouts');
    await this.#drain(request);
    return noAnswer(request, timeoutMs);
  }

  #bad(request: Request, what: string): GatewayError {
    this.#options.count('bad_frames');
    this.#throwAway(request);
    return badFrame(request, what);
  }

  /** Listens until the line was quiet for the late window, or only for a moment once the late answer is in. */
  async #drain(request: Request): Promise<void> {
    const { clock, silenceMs, units } = this.#options;
    const lateWindowMs = units.history.lateMs(request.unit, this.#options.lateWindowMs);
    const untilMs = clock.monotonicMs() + MAX_DRAIN_WINDOWS * lateWindowMs;
    const windowMs = () => (this.#owes(request.unit) ? lateWindowMs : Math.max(silenceMs, DAMAGED_AFTER_MS));
    while (clock.monotonicMs() < untilMs && (await this.#port.inbox.arrival(windowMs()))) this.#takeLate(request);
  }

  #takeLate(request: Request): void {
    for (let body = this.#take(request); body !== undefined; body = this.#take(request)) {
      const [late] = this.#owed.settle(body, this.#options.clock.monotonicMs());
      this.#countOther(body, late);
    }
  }

  /** Empties what came before anything was asked. */
  #throwAway(request: Request): void {
    this.#takeLate(request);
    const { inbox } = this.#port;
    if (inbox.bytes.length > 0) this.#options.count('discarded_bytes', inbox.bytes.length);
    inbox.drop(inbox.bytes.length);
  }
}

/** An echoed single write looks like its confirmation. */
function isEchoed(request: Request): request is Extract<Request, { function: 5 | 6 | 22 }> {
  return request.function === 5 || request.function === 6 || request.function === 22;
}
