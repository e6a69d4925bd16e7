import type { Packet } from '../dialect.ts';

const text = (value: string) => 2 + Buffer.byteLength(value);

/** Bytes of a PUBLISH in QoS 1 (MQTT 5 §3.3), counted with the longest headers it may have: never too small, at most eight bytes too large. */
export function packetSize({
  topic,
  payload,
  properties = {},
  contentType,
  responseTopic,
  correlationData,
  expiryS,
}: Packet): number {
  let bytes = 5 + text(topic) + 2 + 4 + payload.length;
  if (expiryS !== undefined) bytes += 5;
  for (const [key, value] of Object.entries(properties)) bytes += 1 + text(key) + text(value);
  if (contentType !== undefined) bytes += 1 + text(contentType);
  if (responseTopic !== undefined) bytes += 1 + text(responseTopic);
  if (correlationData !== undefined) bytes += 3 + correlationData.length;
  return bytes;
}
