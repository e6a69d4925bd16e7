import type { IConnectPacket, ISubscribePacket } from 'mqtt-packet';
import type { SinkPublish } from '../sink-broker.ts';

/** The quotas of the fact sheet, as texts of what a client broke. */
export function connectFaults({ clientId, keepalive = 0, will }: IConnectPacket): string[] {
  const faults: string[] = [];
  if (Buffer.byteLength(clientId) > 128) faults.push(`a client id of ${Buffer.byteLength(clientId)} bytes`);
  if (keepalive < 30 || keepalive > 1_200) faults.push(`a keep-alive of ${keepalive} s`);
  if (will !== undefined) faults.push(...topicFaults(will.topic), ...(will.qos === 2 ? ['a will in QoS 2'] : []));
  return faults;
}

export function subscribeFaults({ subscriptions }: ISubscribePacket, before: number): string[] {
  const faults: string[] = [];
  if (subscriptions.length > 8) faults.push(`${subscriptions.length} topics in one SUBSCRIBE`);
  if (before + subscriptions.length > 50) faults.push(`${before + subscriptions.length} subscriptions`);
  for (const { topic, qos } of subscriptions) {
    if (qos === 2) faults.push('a subscription in QoS 2');
    if (topic === '#' || /^\$aws\/things\/[^/]+\/shadow\/#$/.test(topic)) faults.push(`a subscription to ${topic}`);
  }
  return faults;
}

export function publishFaults({ topic, payload, qos, properties }: SinkPublish): string[] {
  const faults = topicFaults(topic.replace(/^\$aws\/rules\/[^/]+\//, ''));
  if (payload.length > 128 * 1_024) faults.push(`a payload of ${payload.length} bytes`);
  if (qos === 2) faults.push('a publish in QoS 2');
  if ((properties?.topicAlias ?? 0) > 8) faults.push('a topic alias above 8');
  if (properties?.subscriptionIdentifier !== undefined) faults.push('a subscription identifier');
  return faults;
}

function topicFaults(topic: string): string[] {
  const slashes = topic.split('/').length - 1;
  // Topics of AWS itself are longer.
  if (topic.startsWith('$aws/')) return [];
  return [
    ...(slashes > 7 ? [`a topic with ${slashes} slashes`] : []),
    ...(Buffer.byteLength(topic) > 256 ? [`a topic of ${Buffer.byteLength(topic)} bytes`] : []),
  ];
}

/** Things that happened within the last second. */
export class Rate {
  readonly #times: { readonly atMs: number; readonly amount: number }[] = [];

  /** What happened in the second that ends now, this included. */
  take(nowMs: number, amount = 1): number {
    this.#times.push({ atMs: nowMs, amount });
    while ((this.#times[0]?.atMs ?? nowMs) <= nowMs - 1_000) this.#times.shift();
    return this.#times.reduce((sum, one) => sum + one.amount, 0);
  }
}
