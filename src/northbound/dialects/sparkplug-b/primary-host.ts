import type { Packet } from '../../dialect.ts';
import { stateTopics } from './topics.ts';

export type HostState = 'online' | 'offline';

const MAX_STATE_BYTES = 1_024;

/**
 * What the primary host says of itself, retained: `{"online": true, "timestamp": 1767225600000}` as of 3.0, `ONLINE` or `OFFLINE` as of
 * 2.2. Only what is not older than what was believed before is believed (§5.4).
 */
export class PrimaryHost {
  readonly topics: readonly string[];
  readonly #json: string;
  /** Of the last statement that was believed. */
  #timestamp = Number.NEGATIVE_INFINITY;

  constructor(host: string) {
    const { json, text } = stateTopics(host);
    this.#json = json;
    this.topics = [json, text];
  }

  /** `undefined`: not about the host, not to be read, or outdated. */
  stateIn({ topic, payload }: Packet): HostState | undefined {
    if (!this.topics.includes(topic) || payload.length > MAX_STATE_BYTES) return undefined;
    const text = Buffer.from(payload).toString();
    return topic === this.#json ? this.#stated(text) : this.#said(text);
  }

  #stated(text: string): HostState | undefined {
    const { online, timestamp } = parsed(text);
    if (typeof online !== 'boolean') return undefined;
    if (typeof timestamp === 'number') {
      if (timestamp < this.#timestamp) return undefined;
      this.#timestamp = timestamp;
    }
    return online ? 'online' : 'offline';
  }

  /** A host that speaks both forms is believed in the newer one. */
  #said(text: string): HostState | undefined {
    if (this.#timestamp !== Number.NEGATIVE_INFINITY) return undefined;
    if (text === 'ONLINE') return 'online';
    return text === 'OFFLINE' ? 'offline' : undefined;
  }
}

function parsed(text: string): { readonly online?: unknown; readonly timestamp?: unknown } {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
