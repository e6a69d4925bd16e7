import { type GatewayError, toGatewayError } from '../../../src/model/error.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import { type Answer, decodeAnswer } from '../protocol/answer.ts';
import type { Count } from '../protocol/counters.ts';
import { exceptionNumber, isSilentBehindGateway } from '../protocol/exception.ts';
import { isRead, isRepeatable, type Request } from '../protocol/request.ts';
import { type Claim, isCommand, LineQueue } from './line-queue.ts';
import type { Units } from './units.ts';
import { allSilent, type Wire } from './wire.ts';

export interface LineOptions {
  readonly name: string;
  readonly wire: Wire;
  readonly units: Units;
  readonly retries: number;
  readonly pauseMs: number;
  /** Missing answers in a row after which the connection is given up; `undefined` for a serial line, which cannot be lost so. */
  readonly maxTimeouts: number | undefined;
  readonly clock: Clock;
  readonly count: Count;
}

/** One request and its answer. Rejects with a DEVICE or a LINK error. */
export type Ask = (request: Request) => Promise<Answer>;

/**
 * One connection (or several used as one): so many requests at a time as the wire can take (one on a serial line), whatever the unit, with the rest that
 * devices need. Several requests of one task (a bit changed in its register) are not interrupted by other commands of the unit.
 */
export class Line {
  readonly #options: LineOptions;
  readonly #queue: LineQueue;
  #restUntilMs = 0;

  constructor(options: LineOptions) {
    this.#options = options;
    this.#queue = new LineQueue(options.wire.capacity, options.clock);
  }

  /** Requests that may be under way at once. */
  get capacity(): number {
    return this.#options.wire.capacity;
  }

  async use<T>(claim: Claim, signal: AbortSignal, task: (ask: Ask) => Promise<T>): Promise<T> {
    const turn = this.#queue.take(claim, signal);
    const giveBack = turn instanceof Promise ? await turn : turn;
    try {
      return await task((request) => this.#ask(request, isCommand(claim)));
    } finally {
      giveBack();
    }
  }

  /** As few promises as there can be: this is done for every request. */
  async #ask(request: Request, isCommand: boolean): Promise<Answer> {
    const { wire, units, count, clock, pauseMs } = this.#options;
    const isProbe = units.isDown(request.unit);
    if (isProbe) count('unit_probes');
    const tries = isRepeatable(request) && !isProbe ? 1 + this.#options.retries : 1;
    for (let attempt = 1; ; attempt += 1) {
      const restMs = pauseMs === 0 ? 0 : this.#restUntilMs - clock.monotonicMs();
      if (restMs > 0) await clock.sleep(restMs);
      const sentMs = clock.monotonicMs();
      count('requests');
      try {
        // Somebody waits for what comes of a command: it is given all the time that is configured.
        const timeoutMs = isCommand ? undefined : units.probeTimeoutMs(request.unit);
        const body = await wire.exchange(request, timeoutMs);
        count('responses');
        const answer = decodeAnswer(request, body);
        units.answered(request.unit, wire.turnAroundMs ?? clock.monotonicMs() - sentMs);
        return answer;
      } catch (error) {
        const failure = toGatewayError(error, this.#options.name);
        if (failure.code === 'DEVICE_TIMEOUT') units.missed();
        if (attempt >= tries || !isUnanswered(failure)) throw this.#judge(request, failure);
        count('retries');
      } finally {
        if (pauseMs > 0) this.#restUntilMs = clock.monotonicMs() + pauseMs;
      }
    }
  }

  /** An exception is an answer; silence of everybody is the connection's. */
  #judge(request: Request, error: GatewayError): GatewayError {
    const { unit } = request;
    const { units, wire, maxTimeouts, name, count } = this.#options;
    if (exceptionNumber(error) !== undefined) {
      count('exceptions');
      if (isSilentBehindGateway(error)) units.silentBehindGateway(unit, error);
      else units.answered(unit);
    }
    if (!isUnanswered(error)) return error;
    // Many devices say nothing to a function that they do not know; what is polled tells whether they are there.
    if (!isRead(request) && units.isPolled(unit)) return error;
    units.failed(unit, error);
    if (maxTimeouts === undefined || !units.areAllSilent(maxTimeouts)) return error;
    wire.fail(allSilent(name, maxTimeouts, units, error));
    return error;
  }
}

function isUnanswered({ code }: GatewayError): boolean {
  return code === 'DEVICE_TIMEOUT' || code === 'DEVICE_BAD_FRAME';
}
