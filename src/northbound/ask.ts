import { GatewayError } from '../model/error.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Packet, Question, QuestionLine } from './dialect.ts';
import { endpointName } from './endpoint-name.ts';
import { inTime, raceAbort } from './in-time.ts';
import { MqttWire } from './wire/mqtt-wire.ts';
import { openStream } from './wire/open-stream.ts';

/** Unasked packets of a service that are kept until somebody wants them. */
const MAX_WAITING_PACKETS = 100;

interface Waiting {
  readonly matches: (packet: Packet) => boolean;
  readonly resolve: (packet: Packet) => void;
}

/** A few questions to a service on a connection of their own. Rejects with a GatewayError, or with the signal's reason. */
export async function ask<T>(question: Question<T>, clock: Clock, signal: AbortSignal): Promise<T> {
  const subject = endpointName(question.endpoint);
  const ms = question.settings.connectTimeoutMs;
  const mailbox = new Mailbox();
  const late = () => new GatewayError('HUB_TIMEOUT', subject, `the service could not be asked within ${ms} ms`);
  const wire = await inTime({ ms, clock, signal, late }, (opening) => connect(question, { subject, clock, mailbox }, opening));
  const onAbort = () => void wire.close();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await question.talk(lineOf(wire, mailbox, endingWith(clock, signal), subject));
  } finally {
    signal.removeEventListener('abort', onAbort);
    await wire.close();
  }
}

interface Asking {
  readonly subject: string;
  readonly clock: Clock;
  readonly mailbox: Mailbox;
}

async function connect(
  { endpoint, settings, subscriptions }: Question<unknown>,
  { subject, clock, mailbox }: Asking,
  signal: AbortSignal,
): Promise<MqttWire> {
  const stream = await openStream(endpoint, settings, subject, signal);
  const wire = new MqttWire(stream, { settings, subject, clock, onPacket: (packet) => mailbox.put(packet) });
  try {
    await wire.handshake(signal);
    await raceAbort(wire.subscribe(subscriptions), signal);
    return wire;
  } catch (error) {
    await wire.close();
    throw error;
  }
}

/** Whoever waits by it stops waiting at the stop of the gateway. */
function endingWith(clock: Clock, signal: AbortSignal): Clock {
  return {
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
    sleep: (ms, own) => clock.sleep(ms, own === undefined ? signal : AbortSignal.any([own, signal])),
  };
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
