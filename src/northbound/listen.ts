import { GatewayError } from '../model/error.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Session } from '../runtime/link.ts';
import type { Dialect, Packet } from './dialect.ts';
import { endpointName } from './endpoint-name.ts';
import { MqttWire } from './wire/mqtt-wire.ts';
import { openStream } from './wire/open-stream.ts';

export interface ListenOptions {
  readonly dialect: Dialect;
  readonly topics: readonly string[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onPacket: (packet: Packet) => void;
}

/** Names the listener at the broker, so that it does not take the place of the gateway. */
const CLIENT_ID_SUFFIX = '-verify';

/** Listens at a broker as a receiver of the gateway's messages, with the gateway's own settings. One attempt. */
export async function listen({ dialect, topics, clock, signal, onPacket }: ListenOptions): Promise<Session> {
  const { will: _, ...wireSettings } = (await dialect.receiverSettings?.()) ?? dialect.wire;
  const settings = { ...wireSettings, clientId: `${wireSettings.clientId}${CLIENT_ID_SUFFIX}` };
  const [endpoint] = settings.endpoints;
  if (endpoint === undefined) throw new GatewayError('BUG', settings.clientId, 'a hub without an endpoint');
  const subject = endpointName(endpoint);
  const late = AbortSignal.timeout(settings.connectTimeoutMs);
  const attempt = AbortSignal.any([signal, late]);
  let wire: MqttWire | undefined;
  try {
    const stream = await openStream(endpoint, settings, subject, attempt);
    wire = new MqttWire(stream, { settings, subject, clock, onPacket });
    await wire.handshake(attempt);
    await wire.subscribe(topics);
    return wire;
  } catch (cause) {
    await wire?.close();
    if (!attempt.aborted) throw cause;
    const within = late.aborted ? `within ${settings.connectTimeoutMs} ms` : 'before the listening was ended';
    throw new GatewayError('HUB_TIMEOUT', subject, `no answer ${within}`, { cause });
  }
}
