import type { ReceivedMessage } from './received-message.ts';

/** So many messages whose parts did not all come yet are kept. */
const MAX_OPEN = 10_000;

/** Puts messages together that come as several packets: one is there when all its parts are. */
export class PartBook {
  readonly #open = new Map<string, Map<number, ReceivedMessage>>();

  /** The whole message, with the last of its parts. */
  join(message: ReceivedMessage): ReceivedMessage | undefined {
    const { id, part } = message;
    if (part === undefined) return message;
    const parts = this.#open.get(id) ?? new Map<number, ReceivedMessage>();
    this.#open.set(id, parts.set(part.index, message));
    if (parts.size < part.count) return this.#bound();
    this.#open.delete(id);
    const all = [...parts].toSorted(([a], [b]) => a - b).map(([, one]) => one);
    const readings = all.reduce((sum, one) => sum + one.readings, 0);
    return { ...message, readings, content: all.map(({ content }) => content).join('\n') };
  }

  #bound(): undefined {
    const [oldest] = this.#open.keys();
    if (this.#open.size > MAX_OPEN && oldest !== undefined) this.#open.delete(oldest);
  }
}
