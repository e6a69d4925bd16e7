import { randomBytes } from 'node:crypto';
import { GatewayError } from '../../../model/error.ts';
import type { Line, Packet } from '../../dialect.ts';
import { SendWindow } from '../../wire/send-window.ts';
import { MAX_REQUESTS_IN_FLIGHT } from './limits.ts';
import { type JsonMap, writeJson } from './read-json.ts';

export interface Answer {
  readonly isAccepted: boolean;
  readonly body: JsonMap;
}

/**
 * Requests to the services behind `$aws/things`: a publish, answered on `…/accepted` or `…/rejected`, the two matched by a token. No more
 * of them are under way than AWS allows; how many are sent in a second is the line's business.
 */
export class Requests {
  readonly #line: Line;
  readonly #timeoutMs: number;
  readonly #window = new SendWindow(MAX_REQUESTS_IN_FLIGHT);
  readonly #pending = new Map<string, { readonly topic: string; readonly resolve: (answer: Answer) => void }>();
  readonly #prefix = randomBytes(6).toString('hex');
  #count = 0;

  constructor(line: Line, timeoutMs: number) {
    this.#line = line;
    this.#timeoutMs = timeoutMs;
  }

  /** Rejects when the session is over. No answer in time ends the session: nobody could know what became of the request. */
  async send(topic: string, body: JsonMap): Promise<Answer & { readonly bytes: number }> {
    await new Promise<void>((start) => this.#window.enter(start));
    this.#count += 1;
    const token = `${this.#prefix}-${this.#count}`;
    try {
      const { promise, resolve } = Promise.withResolvers<Answer>();
      this.#pending.set(token, { topic, resolve });
      const packet = requestPacket(topic, { ...body, clientToken: token });
      await this.#line.publish(packet);
      return { ...(await this.#within(promise, topic)), bytes: packet.payload.length };
    } finally {
      this.#pending.delete(token);
      this.#window.leave();
    }
  }

  /** An answer; those to requests of others are passed over. */
  receive(topic: string, body: JsonMap): void {
    const { clientToken } = body;
    const asked = typeof clientToken === 'string' ? this.#pending.get(clientToken) : undefined;
    if (asked === undefined) return;
    if (topic === `${asked.topic}/accepted`) asked.resolve({ isAccepted: true, body });
    else if (topic === `${asked.topic}/rejected`) asked.resolve({ isAccepted: false, body });
  }

  async #within(answer: Promise<Answer>, topic: string): Promise<Answer> {
    const { clock, over, subject } = this.#line;
    const done = new AbortController();
    const late = clock.sleep(this.#timeoutMs, AbortSignal.any([over, done.signal])).then(
      () => new GatewayError('HUB_TIMEOUT', subject, `no answer to ${topic} within ${this.#timeoutMs} ms`),
      () => new GatewayError('LINK_CLOSED', subject, 'the connection ended before the answer came'),
    );
    try {
      const outcome = await Promise.race([answer, late]);
      if (!(outcome instanceof GatewayError)) return outcome;
      if (outcome.code === 'HUB_TIMEOUT') this.#line.lose(outcome);
      throw outcome;
    } finally {
      done.abort();
    }
  }
}

export function requestPacket(topic: string, body: JsonMap): Packet {
  return { topic, payload: Buffer.from(writeJson(body)), qos: 1, retain: false };
}
