import { GatewayError, toGatewayError } from '../model/error.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Dialect, Packet } from './dialect.ts';
import type { Hub, HubSession } from './hub.ts';
import { MqttHubSession } from './mqtt-hub-session.ts';
import { MqttWire } from './wire/mqtt-wire.ts';
import { openStream } from './wire/open-stream.ts';

/** A hub on one MQTT broker. Remembers, opens nothing; each `open` is a new connection with new options and files read anew. */
export function createMqttHub(name: string, dialect: Dialect, clock: Clock): Hub {
  const { host, port, tls } = dialect.wire;
  const endpoint = `${tls ? 'mqtts' : 'mqtt'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  return { name, endpoint, open: (signal) => openSession(endpoint, dialect, clock, signal) };
}

async function openSession(endpoint: string, dialect: Dialect, clock: Clock, signal: AbortSignal): Promise<HubSession> {
  const { connectTimeoutMs } = dialect.wire;
  const progress = { awaited: 'connection' };
  const deadline = new AbortController();
  const done = new AbortController();
  const onLate = () =>
    deadline.abort(new GatewayError('HUB_TIMEOUT', endpoint, `no ${progress.awaited} within ${connectTimeoutMs} ms`));
  clock.sleep(connectTimeoutMs, done.signal).then(onLate, () => {});
  try {
    return await connect({ endpoint, dialect, clock, progress }, AbortSignal.any([signal, deadline.signal]));
  } catch (error) {
    if (signal.aborted) throw new GatewayError('LINK_CLOSED', endpoint, 'the connection was given up', { cause: error });
    throw toGatewayError(error, endpoint);
  } finally {
    done.abort();
  }
}

interface Attempt {
  readonly endpoint: string;
  readonly dialect: Dialect;
  readonly clock: Clock;
  /** What is waited for, for the error. */
  readonly progress: { awaited: string };
}

async function connect({ endpoint, dialect, clock, progress }: Attempt, signal: AbortSignal): Promise<HubSession> {
  const stream = await openStream(dialect.wire, endpoint, signal);
  let session: MqttHubSession | undefined;
  const onPacket = (packet: Packet) => session?.receive(packet);
  const wire = new MqttWire(stream, { settings: dialect.wire, subject: endpoint, clock, onPacket });
  try {
    progress.awaited = 'answer to CONNECT';
    await wire.handshake(signal);
    session = new MqttHubSession(wire, dialect, clock);
    progress.awaited = 'answer to SUBSCRIBE';
    await raceAbort(wire.subscribe(dialect.subscriptions), signal);
    session.announce();
    return session;
  } catch (error) {
    await wire.close();
    throw error;
  }
}

function raceAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
