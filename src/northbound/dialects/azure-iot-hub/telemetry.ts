import { createHash } from 'node:crypto';
import { GatewayError } from '../../../model/error.ts';
import { messageId, type Stored } from '../../../model/twin-message.ts';
import { compressPayload } from '../../compress.ts';
import type { Packet, TwinLabels } from '../../dialect.ts';
import type { Encoded } from '../../shapes/shape.ts';
import type { PropertyBag } from './property-bag.ts';
import { telemetryTopic } from './topics.ts';

/** The hub takes 256 KB of body, system properties' values and application properties; some room is left. */
export const MAX_MESSAGE_BYTES = 255_000;
const MAX_ID_LENGTH = 128;
/** What routing queries take for something else. */
const RESERVED = new Set(['twin', '$twin', 'body', '$body']);

export interface TelemetryOptions {
  readonly gateway: string;
  readonly labelsOf: (twin: string) => TwinLabels;
  readonly compress: 'gzip' | undefined;
  /** Component that a twin is; absent: none. */
  readonly componentOf: (twin: string) => string | undefined;
}

/** One packet of a message. `number`: which of its packets, from 0. */
export function telemetryPacket(
  { payload, contentType, properties }: Encoded,
  stored: Stored,
  number: number,
  deviceId: string,
  { gateway, labelsOf, componentOf, compress }: TelemetryOptions,
): Packet {
  const { twin, startTimeMs } = stored.message;
  const id = messageId(gateway, stored);
  const component = componentOf(twin);
  // Some shapes name the twin and the time themselves.
  const { twin: _, time, ...own } = properties;
  const body = Buffer.from(payload);
  const compressed = compress === undefined ? undefined : compressPayload(body, compress);
  const system = {
    '$.mid': shortId(number === 0 ? id : `${id}:${number}`),
    '$.ct': contentType.replace(/;\s+/g, ';'),
    '$.ce': compressed === undefined ? 'utf-8' : 'gzip',
    '$.ctime': time ?? new Date(startTimeMs).toISOString(),
    ...(component === undefined ? {} : { '$.sub': component }),
  };
  return messagePacket(deviceId, system, { ...labelsOf(twin), twinId: twin, ...own }, compressed ?? body);
}

/** Throws HUB_MESSAGE_TOO_LARGE. */
export function messagePacket(
  deviceId: string,
  system: PropertyBag,
  properties: Readonly<Record<string, string>>,
  payload: Uint8Array,
): Packet {
  const own = applicationProperties(properties);
  const bytes = messageBytes(system, own, payload);
  if (bytes > MAX_MESSAGE_BYTES) {
    const text = `a message of ${bytes} bytes with its properties, the hub takes ${MAX_MESSAGE_BYTES} at most`;
    throw new GatewayError('HUB_MESSAGE_TOO_LARGE', deviceId, text);
  }
  return { topic: telemetryTopic(deviceId, { ...system, ...own }), payload, qos: 1, retain: false };
}

/** What the hub counts. */
export function messageBytes(system: PropertyBag, own: PropertyBag, payload: Uint8Array): number {
  let bytes = payload.length;
  for (const value of Object.values(system)) bytes += Buffer.byteLength(value ?? '');
  for (const [name, value] of Object.entries(own)) bytes += Buffer.byteLength(name) + Buffer.byteLength(value ?? '');
  return bytes;
}

function applicationProperties(properties: Readonly<Record<string, string>>): PropertyBag {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [isReserved(name) ? `label_${name}` : name, value]),
  );
}

function isReserved(name: string): boolean {
  return RESERVED.has(name.toLowerCase()) || name.startsWith('$') || name.startsWith('iothub-');
}

/** The hub takes ids of 128 characters at most; a longer one is known by its digest. */
function shortId(id: string): string {
  return id.length <= MAX_ID_LENGTH ? id : createHash('sha256').update(id).digest('base64url').replaceAll('_', '.');
}
