import type { Reader } from '../observed-broker.ts';
import type { StrictHost } from './host.ts';

/** What a host was told, message by message, in the words of the suite that all hubs pass; results of commands among them. */
export function messagesOf({ uuids, samples }: Pick<StrictHost, 'uuids' | 'samples'>): Record<string, unknown>[] {
  const results = samples.get('/Gateway/Command Result') ?? [];
  return [
    ...uuids.map((id) => ({ id, seq: Number(id.split(':').at(-1)) })),
    ...results.map(({ value }) => JSON.parse(String(value)) as Record<string, unknown>),
  ];
}

/** For an `ObservedBroker`. */
export function sparkplugReader(host: StrictHost): Reader {
  let wills = 0;
  return {
    get messages() {
      return messagesOf(host);
    },
    get violations() {
      return host.violations;
    },
    get wills() {
      return wills;
    },
    hear(topic, payload, flags) {
      if (topic.includes('/DCMD/')) return;
      if (topic.includes('/NDEATH/')) wills += 1;
      host.hear(topic, payload, flags);
    },
  };
}
