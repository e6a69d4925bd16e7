import type { DeviceEvent } from '../../../src/model/device-event.ts';
import type { ConnectorSession } from '../../../src/southbound/connector.ts';

/** What came, with a way to wait for what must come. */
export class Told {
  readonly events: DeviceEvent[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(session: ConnectorSession) {
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

  of(name: string): readonly unknown[] {
    return this.events.filter((event) => event.name === name).map(({ body }) => body.Message);
  }
}
