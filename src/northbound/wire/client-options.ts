import type { IClientOptions, IPublishPacket } from 'mqtt';
import type { Packet, WireSettings } from '../dialect.ts';

/** Larger packets from the hub end the connection; commands are far smaller. */
export const MAX_INCOMING_BYTES = 1 << 20;
/** Commands in QoS 1 the hub may send before we have acknowledged the first. */
const INCOMING_RECEIVE_MAXIMUM = 32;
/** Topics of commands for which the hub may use a number. */
const INCOMING_TOPIC_ALIASES = 32;
const TOPICS_PER_SUBSCRIBE = 50;

/** New for each connection: MQTT.js writes into it. Everything that would keep messages or connect again is off. */
export function clientOptions(settings: WireSettings): IClientOptions {
  const { protocolVersion, clientId, keepAliveMs, username, password, will, topicsPerSubscribe } = settings;
  return {
    protocolVersion,
    clientId,
    clean: true,
    keepalive: Math.max(1, Math.round(keepAliveMs / 1_000)),
    reconnectPeriod: 0,
    // Pings go on beside messages: to put them off would cost two timers for each acknowledgement.
    reschedulePings: false,
    resubscribe: false,
    queueQoSZero: false,
    subscribeBatchSize: topicsPerSubscribe ?? TOPICS_PER_SUBSCRIBE,
    // Above any deadline of ours: the hub's own deadline decides and says why.
    connectTimeout: 3_600_000,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password: password.reveal() }),
    ...(will === undefined ? {} : { will: willOf(will, protocolVersion) }),
    ...(protocolVersion === 5
      ? {
          properties: {
            receiveMaximum: INCOMING_RECEIVE_MAXIMUM,
            maximumPacketSize: MAX_INCOMING_BYTES,
            topicAliasMaximum: INCOMING_TOPIC_ALIASES,
          },
        }
      : {}),
  };
}

function willOf(packet: Packet, protocolVersion: 4 | 5): NonNullable<IClientOptions['will']> {
  const { topic, payload, qos, retain } = packet;
  const properties = protocolVersion === 5 ? { properties: propertiesOf(packet) } : {};
  return { topic, payload: Buffer.from(payload), qos, retain, ...properties };
}

function propertiesOf({ properties, contentType, responseTopic, correlationData, expiryS, isBinary }: Packet) {
  return {
    ...(isBinary === true ? {} : { payloadFormatIndicator: true }),
    ...(properties === undefined ? {} : { userProperties: { ...properties } }),
    ...(expiryS === undefined ? {} : { messageExpiryInterval: expiryS }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(correlationData === undefined ? {} : { correlationData: Buffer.from(correlationData) }),
  };
}

/** `topic`: the one meant, where the packet has only its alias. */
export function toPacket(topic: string, { payload, qos, retain, properties }: IPublishPacket): Packet {
  const { messageExpiryInterval: expiryS, contentType, responseTopic, correlationData, userProperties } = properties ?? {};
  return {
    topic,
    payload: Buffer.from(payload),
    qos: qos === 0 ? 0 : 1,
    retain,
    ...(expiryS === undefined ? {} : { expiryS }),
    ...(userProperties === undefined ? {} : { properties: firstOfEach(userProperties) }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(correlationData === undefined ? {} : { correlationData }),
  };
}

/** A name may stand there several times (MQTT 5 §3.3.2.3.7). */
function firstOfEach(properties: Readonly<Record<string, string | readonly string[]>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, told]) => [name, typeof told === 'string' ? told : (told[0] ?? '')]),
  );
}
