import { eventSchema } from '../../../connectors/opcua/mapping/features.ts';
import type { DeviceEvent } from '../../../src/model/device-event.ts';
import type { DeviceGap } from '../../../src/model/device-gap.ts';
import type { ConnectionPlan } from '../../../src/model/plan.ts';
import type { ConnectorSession } from '../../../src/southbound/connector.ts';
import type { Machine } from '../../support/opcua-machine.ts';
import { FAST, makePlan, OPEN } from './support.ts';

/** A press with these entries of `events`, and no points. */
export function eventPlan(
  url: string,
  events: Readonly<Record<string, object>>,
  keys: Readonly<Record<string, unknown>> = {},
): ConnectionPlan {
  const plan = makePlan({ url, ...OPEN, ...FAST, ...keys }, { press: {} });
  const listed = Object.entries(events).map(([name, keys]) => ({ name, settings: eventSchema.parse(keys) }));
  return { ...plan, devices: plan.devices.map((device) => ({ ...device, events: listed })) };
}

export const saying = (message: string) => (event: DeviceEvent) => event.body.Message === message;

/** What came, with a way to wait for what must come. */
export class Told {
  readonly events: DeviceEvent[] = [];
  readonly gaps: DeviceGap[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(session: ConnectorSession) {
    session.gaps?.subscribe((gap) => this.gaps.push(gap));
    session.events?.subscribe((event) => {
      this.events.push(event);
      for (const check of this.#waiting) check();
    });
  }

  until(wanted: (event: DeviceEvent) => boolean): Promise<DeviceEvent> {
    return new Promise((resolve) => {
      const check = () => {
        const found = this.events.find(wanted);
        if (found === undefined) return;
        this.#waiting.delete(check);
        resolve(found);
      };
      this.#waiting.add(check);
      check();
    });
  }

  /** Waits until the server watches: from then on nothing is missed. */
  async watched(machine: Machine): Promise<this> {
    for (let at = 0; !this.events.some(saying(`watched ${at - 1}`)); at += 1) {
      machine.raise(`watched ${at}`, 1000, 0);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return this;
  }

  of(name: string): readonly unknown[] {
    return this.events.filter((event) => event.name === name).map(({ body }) => body.Message);
  }
}
