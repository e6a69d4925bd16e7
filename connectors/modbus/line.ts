import { GatewayError, toGatewayError } from '../../src/model/error.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { type Answer, decodeAnswer } from './answer.ts';
import type { Count } from './counters.ts';
import { exceptionNumber } from './exception.ts';
import { isRepeatable, type Request } from './request.ts';
import { Turn } from './turn.ts';
import type { Units } from './units.ts';
import type { Wire } from './wire.ts';

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

/** One request and its answer. Rejects with DEVICE_TIMEOUT, DEVICE_BAD_FRAME, DEVICE_EXCEPTION, DEVICE_BUSY, or a LINK error. */
export type Ask = (request: Request) => Promise<Answer>;

/**
 * One connection (or several used as one): no more requests at once than its wire takes, one by default, whatever the unit, with
 * the rest that devices need. Several requests of one task (a bit changed in its register) are not interrupted by other writes.
 */
export class Line {
  readonly #options: LineOptions;
  readonly #turn: Turn;
  #restUntilMs = 0;

  constructor(options: LineOptions) {
    this.#options = options;
    this.#turn = new Turn(options.wire.capacity);
  }

  async use<T>(urgency: 'command' | 'poll', signal: AbortSignal, task: (ask: Ask) => Promise<T>): Promise<T> {
    const giveBack = await this.#turn.take(urgency === 'command', signal);
    try {
      return await task((request) => this.#ask(request));
    } finally {
      giveBack();
    }
  }

  async #ask(request: Request): Promise<Answer> {
    const { units, count, clock } = this.#options;
    const isProbe = units.isDown(request.unit);
    if (isProbe) count('unit_probes');
    const tries = isRepeatable(request) && !isProbe ? 1 + this.#options.retries : 1;
    for (let attempt = 1; ; attempt += 1) {
      const sentMs = clock.monotonicMs();
      try {
        const answer = await this.#askOnce(request);
        units.answered(request.unit, clock.monotonicMs() - sentMs);
        return answer;
      } catch (error) {
        const failure = toGatewayError(error, this.#options.name);
        if (failure.code === 'DEVICE_TIMEOUT') units.missed();
        if (attempt >= tries || !isUnanswered(failure)) throw this.#judge(request.unit, failure);
        count('retries');
      }
    }
  }

  async #askOnce(request: Request): Promise<Answer> {
    const { wire, clock, count, pauseMs } = this.#options;
    const restMs = this.#restUntilMs - clock.monotonicMs();
    if (restMs > 0) await clock.sleep(restMs);
    count('requests');
    try {
      const answer = await wire.exchange(request);
      count('responses');
      return decodeAnswer(request, answer);
    } finally {
      this.#restUntilMs = clock.monotonicMs() + pauseMs;
    }
  }

  /** An exception is an answer; silence of everybody is the connection's. */
  #judge(unit: number, error: GatewayError): GatewayError {
    const { units, wire, maxTimeouts, name, count } = this.#options;
    if (exceptionNumber(error) !== undefined) {
      count('exceptions');
      units.answered(unit);
    }
    if (!isUnanswered(error)) return error;
    units.failed(unit, error);
    if (maxTimeouts === undefined || !units.areAllSilent(maxTimeouts)) return error;
    const lost = new GatewayError('LINK_TIMEOUT', name, `${maxTimeouts} answers missing in a row`, { cause: error });
    wire.fail(lost);
    return error;
  }
}

function isUnanswered({ code }: GatewayError): boolean {
  return code === 'DEVICE_TIMEOUT' || code === 'DEVICE_BAD_FRAME';
}
