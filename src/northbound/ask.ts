import { GatewayError } from '../model/error.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Packet, Question, QuestionLine } from './dialect.ts';
import { endpointName } from './endpoint-name.ts';
import { MqttWire } from './wire/mqtt-wire.ts';
import { openStream } from './wire/open-stream.ts';

/** Unasked packets of a service that are kept until somebody wants them. */
const MAX_WAITING_PACKETS = 100;

interface Waiting {
  readonly matches: (packet: Packet) => boolean;
  readonly resolve: (packet: Packet) => void;
}

/** A few questions to a service on a connection of their own. Rejects with a GatewayError, or with the signal's reason. */
export async function ask<T>(
  { endpoint, settings, subscriptions, talk }: Question<T>,
  clock: Clock,
  signal: AbortSignal,
): Promise<T> {
  const subject = endpointName(endpoint);
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(settings.connectTimeoutMs)]);
  const stream = await openStream(endpoint, settings, subject, deadline);
  const mailbox = new Mailbox();
  const wire = new MqttWire(stream, { settings, subject, clock, onPacket: (packet) => mailbox.put(packet) });
  const onAbort = () => void wire.close();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await wire.handshake(deadline);
    await wire.subscribe(subscriptions);
    return await talk(lineOf(wire, mailbox, clock, subject));
  } finally {
    signal.removeEventListener('abort', onAbort);
    await wire.close();
  }
}

function lineOf(wire: MqttWire, mailbox: Mailbox, clock: Clock, subject: string): QuestionLine {
  return {
    clock,
    publish: (packet) => wire.publish(packet),
    async next(matches, withinMs) {
      const done = new AbortController();
      const { packet, forget } = mailbox.next(matches);
      const late = clock.sleep(withinMs, done.signal).then(
        () => timeout(subject, withinMs),
        () => timeout(subject, withinMs),
      );
      try {
        const outcome = await Promise.race([packet, late, wire.lost]);
        if (outcome instanceof Error) throw outcome;
        return outcome;
      } finally {
        done.abort();
        forget();
      }
    },
  };
}

function timeout(subject: string, withinMs: number): GatewayError {
  return new GatewayError('HUB_TIMEOUT', subject, `no answer within ${withinMs} ms`);
}

/** Packets that came, and who waits for one. */
class Mailbox {
  #packets: Packet[] = [];
  readonly #waiting = new Set<Waiting>();

  put(packet: Packet): void {
    for (const one of this.#waiting) {
      if (!one.matches(packet)) continue;
      this.#waiting.delete(one);
      one.resolve(packet);
      return;
    }
    if (this.#packets.length < MAX_WAITING_PACKETS) this.#packets.push(packet);
  }

  next(matches: (packet: Packet) => boolean): { packet: Promise<Packet>; forget: () => void } {
    const { promise: packet, resolve } = Promise.withResolvers<Packet>();
    const waiting = { matches, resolve };
    this.#waiting.add(waiting);
    const earlier = this.#packets;
    this.#packets = [];
    for (const one of earlier) this.put(one);
    return { packet, forget: () => this.#waiting.delete(waiting) };
  }
}
