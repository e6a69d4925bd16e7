import { GatewayError } from '../../../model/error.ts';
import type { Line } from '../../dialect.ts';

export interface TwinAnswer {
  readonly status: number;
  readonly payload: Uint8Array;
  readonly version?: number;
}

/** Questions about the twin and their answers, which come in QoS 0 and name their request. */
export class TwinRequests {
  readonly #line: Line;
  readonly #timeoutMs: number;
  readonly #waiting = new Map<string, (answer: TwinAnswer) => void>();
  #count = 0;

  constructor(line: Line, timeoutMs: number) {
    this.#line = line;
    this.#timeoutMs = timeoutMs;
  }

  /** Rejects with HUB_TIMEOUT and ends the session where no answer comes, or with the cause of the loss. */
  async ask(topic: string, payload: Uint8Array): Promise<TwinAnswer> {
    this.#count += 1;
    const requestId = String(this.#count);
    const done = new AbortController();
    const answer = new Promise<TwinAnswer>((resolve) => void this.#waiting.set(requestId, resolve));
    try {
      await this.#line.publish({ topic: `${topic}?$rid=${requestId}`, payload, qos: 0, retain: false });
      const outcome = await Promise.race([answer, this.#late(done.signal), this.#ended(done.signal)]);
      if (!(outcome instanceof GatewayError)) return outcome;
      if (outcome.code === 'HUB_TIMEOUT') this.#line.lose(outcome);
      throw outcome;
    } finally {
      done.abort();
      this.#waiting.delete(requestId);
    }
  }

  /** False: an answer to nothing, or one that comes a second time. */
  take(requestId: string, answer: TwinAnswer): boolean {
    const asked = this.#waiting.get(requestId);
    this.#waiting.delete(requestId);
    asked?.(answer);
    return asked !== undefined;
  }

  async #late(done: AbortSignal): Promise<GatewayError> {
    await this.#line.clock.sleep(this.#timeoutMs, done).catch(() => {});
    return new GatewayError('HUB_TIMEOUT', this.#line.subject, `no answer about the twin within ${this.#timeoutMs} ms`);
  }

  #ended(done: AbortSignal): Promise<GatewayError> {
    const { over, subject } = this.#line;
    const error = new GatewayError('LINK_CLOSED', subject, 'the connection ended before the hub answered about the twin');
    if (over.aborted) return Promise.resolve(error);
    return new Promise((resolve) => over.addEventListener('abort', () => resolve(error), { once: true, signal: done }));
  }
}
