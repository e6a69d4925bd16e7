import type { Packet } from '../../dialect.ts';
import { encodeBody } from '../../shapes/json-shape.ts';
import type { Encoded } from '../../shapes/shape.ts';

/** What the dialect says itself: JSON, named by its `schema` also in the user properties of MQTT 5. */
export function jsonPacket(topic: string, body: Readonly<Record<string, unknown>>, more: Partial<Packet> = {}): Packet {
  return packet(topic, encodeBody(body), more);
}

/** What a shape made of a message or a twin. */
export function messagePacket(topic: string, encoded: Encoded, twin: string, more: Partial<Packet> = {}): Packet {
  return packet(topic, encoded, { ...more, properties: { twin } });
}

function packet(topic: string, { payload, contentType, properties }: Encoded, more: Partial<Packet>): Packet {
  return {
    qos: 1,
    retain: false,
    ...more,
    topic,
    payload: Buffer.from(payload),
    contentType,
    properties: { ...properties, ...more.properties },
  };
}
