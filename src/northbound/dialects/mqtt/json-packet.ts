import type { Packet } from '../../dialect.ts';

/** Everything the dialect sends: JSON in QoS 1, named by its `schema` also in the user properties of MQTT 5. */
export function jsonPacket(topic: string, body: Readonly<Record<string, unknown>>, more: Partial<Packet> = {}): Packet {
  const history = body.history === undefined ? {} : { history: String(body.history) };
  return {
    qos: 1,
    retain: false,
    ...more,
    topic,
    payload: Buffer.from(JSON.stringify(body)),
    contentType: 'application/json;charset=utf-8',
    properties: { schema: String(body.schema), ...more.properties, ...history },
  };
}
