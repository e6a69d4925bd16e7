import { rm } from 'node:fs/promises';
import { systemClock } from '../../../src/runtime/clock.ts';
import type { TalkUnderTest } from '../../contract/hub-talk.ts';
import { writePayload } from '../../support/sparkplug/wire.ts';
import { deviceWith, type Edge, edge, hubOf } from './plant.ts';

const DEVICES = [deviceWith('press-07', { temperature: { type: 'float64' }, speedSetpoint: { type: 'uint16', write: {} } })];

/** The edge node `gw-01` as the suite of all hubs wants it: a new one for each broker. */
export class EdgeNodes {
  readonly #edges = new Map<unknown, Edge>();
  readonly #settings: Readonly<Record<string, unknown>>;

  constructor(settings: Readonly<Record<string, unknown>>) {
    this.#settings = settings;
  }

  async prepare<Broker extends { readonly url: string }>(broker: Broker): Promise<Broker> {
    this.#edges.set(broker, await edge({ url: broker.url, ...this.#settings }, { devices: DEVICES }));
    return broker;
  }

  hub(broker: unknown) {
    const node = this.#edges.get(broker);
    if (node === undefined) throw new Error('no edge node for this broker');
    return hubOf(node);
  }

  async remove(): Promise<void> {
    for (const { stateDirectory } of this.#edges.values()) await rm(stateDirectory, { recursive: true });
  }
}

export const commands: Omit<TalkUnderTest, 'title'> = {
  commandTopic: 'spBv1.0/plant-a/DCMD/gw-01/press-07',
  command: (id) =>
    writePayload({
      uuid: id,
      timestamp: String(systemClock.nowMs()),
      metrics: [{ name: 'speedSetpoint', datatype: 6, intValue: 900 }],
    }),
};
