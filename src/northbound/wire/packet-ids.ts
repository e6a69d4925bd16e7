import type { IClientOptions } from 'mqtt';

type IdProvider = NonNullable<IClientOptions['messageIdProvider']>;

const LAST_ID = 65_535;

/**
 * Packet ids in turn (MQTT 5 §2.2.1). The provider of MQTT.js takes the lowest that is free, so that an acknowledgement which comes twice
 * would be taken for that of the next message.
 */
export class PacketIds implements IdProvider {
  readonly #used = new Set<number>();
  #last = 0;

  /** `null`: all are in use. */
  allocate(): number | null {
    if (this.#used.size >= LAST_ID) return null;
    do this.#last = (this.#last % LAST_ID) + 1;
    while (this.#used.has(this.#last));
    this.#used.add(this.#last);
    return this.#last;
  }

  getLastAllocated(): number | null {
    return this.#last === 0 ? null : this.#last;
  }

  /** False where it is in use already. */
  register(id: number): boolean {
    if (this.#used.has(id)) return false;
    this.#used.add(id);
    return true;
  }

  deallocate(id: number): void {
    this.#used.delete(id);
  }

  clear(): void {
    this.#used.clear();
  }
}
