import type { Packet } from '../dialect.ts';
import { packetSize } from './packet-size.ts';
import { ALIAS_BYTES, type AliasedTopic } from './topic-aliases.ts';

/** Room for what stands before the topic, and what `packetSize` leaves out of the properties. */
const FIXED_HEADER_BYTES = 5;
const MAX_VARINT_BYTES = 4;
const INDICATOR_BYTES = 2;

/** MQTT 5 §2.2.2.2. */
const PAYLOAD_FORMAT = 0x01;
const EXPIRY = 0x02;
const CONTENT_TYPE = 0x03;
const RESPONSE_TOPIC = 0x08;
const CORRELATION_DATA = 0x09;
const TOPIC_ALIAS = 0x23;
const USER_PROPERTY = 0x26;

export interface PublishFacts {
  readonly protocolVersion: 4 | 5;
  /** In QoS 1. */
  readonly id: number;
  readonly aliased: AliasedTopic;
  readonly keepsRetained: boolean;
}

/**
 * A PUBLISH (MQTT 3.1.1 §3.3, 5 §3.3) in one buffer, written from the middle: each length stands before what it counts. The one packet that
 * is sent by the thousand: MQTT.js copies it with its payload three times, and writes it in fifteen pieces.
 */
export function encodePublish(packet: Packet, { protocolVersion, id, aliased, keepsRetained }: PublishFacts): Buffer {
  const { payload, qos, retain } = packet;
  const bytes = Buffer.allocUnsafe(packetSize(packet) + MAX_VARINT_BYTES + INDICATOR_BYTES + ALIAS_BYTES);
  const topicBytes = Buffer.byteLength(aliased.topic);
  const bodyAt = FIXED_HEADER_BYTES + 2 + topicBytes + 2 + MAX_VARINT_BYTES;
  const isFive = protocolVersion === 5;
  const payloadAt = isFive ? writeProperties(bytes, packet, aliased, bodyAt) : bodyAt;
  bytes.set(payload, payloadAt);
  const end = payloadAt + payload.length;
  let at = isFive ? writeVarintBefore(bytes, payloadAt - bodyAt, bodyAt) : bodyAt;
  if (qos > 0) at = bytes.writeUInt16BE(id, at - 2) - 2;
  at -= topicBytes;
  bytes.write(aliased.topic, at);
  at = bytes.writeUInt16BE(topicBytes, at - 2) - 2;
  at = writeVarintBefore(bytes, end - at, at) - 1;
  bytes[at] = 0x30 | (qos << 1) | (retain && keepsRetained ? 1 : 0);
  return bytes.subarray(at, end);
}

/** Returns where they end. */
function writeProperties(bytes: Buffer, packet: Packet, { topicAlias }: AliasedTopic, from: number): number {
  const { properties, contentType, responseTopic, correlationData, expiryS, isBinary } = packet;
  let at = from;
  if (isBinary !== true) at = bytes.writeUInt16BE((PAYLOAD_FORMAT << 8) | 1, at);
  if (expiryS !== undefined) at = bytes.writeUInt32BE(expiryS, bytes.writeUInt8(EXPIRY, at));
  if (contentType !== undefined) at = writeText(bytes, contentType, bytes.writeUInt8(CONTENT_TYPE, at));
  if (responseTopic !== undefined) at = writeText(bytes, responseTopic, bytes.writeUInt8(RESPONSE_TOPIC, at));
  if (correlationData !== undefined) {
    at = bytes.writeUInt16BE(correlationData.length, bytes.writeUInt8(CORRELATION_DATA, at));
    bytes.set(correlationData, at);
    at += correlationData.length;
  }
  if (topicAlias !== undefined) at = bytes.writeUInt16BE(topicAlias, bytes.writeUInt8(TOPIC_ALIAS, at));
  for (const name in properties) {
    at = writeText(bytes, name, bytes.writeUInt8(USER_PROPERTY, at));
    at = writeText(bytes, properties[name] ?? '', at);
  }
  return at;
}

function writeText(bytes: Buffer, text: string, at: number): number {
  const length = bytes.write(text, at + 2);
  return bytes.writeUInt16BE(length, at) + length;
}

/** MQTT 5 §1.5.5. Returns where it begins. */
function writeVarintBefore(bytes: Buffer, value: number, before: number): number {
  const digits: number[] = [];
  for (let rest = value; rest > 0 || digits.length === 0; rest >>>= 7) digits.push(rest & 0x7f);
  const from = before - digits.length;
  digits.forEach((digit, index) => {
    bytes[from + index] = index === digits.length - 1 ? digit : digit | 0x80;
  });
  return from;
}
