import type { Packet } from '../../dialect.ts';
import { decodeBag, type PropertyBag } from './property-bag.ts';
import { messageBytes } from './telemetry.ts';

/**
 * What IoT Hub bills, in either direction: messages with their properties, methods and their answers, and of the twin whatever holds
 * something of it. Asking for the twin and acknowledging a patch are free.
 */
export function billedBytes({ topic, payload }: Packet): number | undefined {
  if (topic.startsWith('$iothub/twin/') && payload.length === 0) return undefined;
  if (topic.startsWith('$iothub/')) return payload.length;
  const bag = Object.entries(decodeBag(topic.slice(topic.lastIndexOf('/') + 1)) ?? {});
  const isSystem = ([name]: readonly [string, unknown]) => name.startsWith('$.');
  const own: PropertyBag = Object.fromEntries(bag.filter((property) => !isSystem(property)));
  return messageBytes(Object.fromEntries(bag.filter(isSystem)), own, payload);
}
