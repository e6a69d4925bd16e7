import type { SpoolEvent } from './spool.ts';

/** All logs are on one disk: that it failed is told once, as long as it fails in the same way, and that it recovered, once all did. */
export class DiskNews {
  readonly #onEvent: (event: SpoolEvent) => void;
  /** What ails each log. */
  readonly #ill = new Map<string, unknown>();

  constructor(onEvent: (event: SpoolEvent) => void) {
    this.#onEvent = onEvent;
  }

  /** Where one log tells. */
  of(name: string): (event: SpoolEvent) => void {
    return (event) => {
      if (this.#isNews(name, event)) this.#onEvent({ ...event, fields: { class: name, ...event.fields } });
    };
  }

  #isNews(name: string, { event, fields }: SpoolEvent): boolean {
    if (event === 'disk failed') {
      const isKnown = [...this.#ill.values()].includes(fields.error);
      this.#ill.set(name, fields.error);
      return !isKnown;
    }
    if (event !== 'disk recovered') return true;
    this.#ill.delete(name);
    return this.#ill.size === 0;
  }
}
