import type { Command } from '../model/command.ts';
import { type Finding, finding } from './finding.ts';

/**
 * Remembers commands at least until they expire. Nothing is forgotten before the memory is full, so that a clock set back does
 * not open the door again; a memory full of commands that have not expired takes no more of them.
 */
export class ReplayGuard {
  readonly #capacity: number;
  readonly #expiryByKey = new Map<string, number>();

  constructor(capacity = 10_000) {
    this.#capacity = capacity;
  }

  /** Refuses a command seen before, remembers it otherwise. */
  admit(command: Command, expiresTimeMs: number, nowMs: number): Finding | undefined {
    const key = JSON.stringify([command.device, command.id]);
    if (this.#expiryByKey.has(key)) return finding('COMMAND_REPLAYED', `command ${command.id} was seen before`);
    if (!this.#makeRoom(nowMs)) {
      return finding('COMMAND_TOO_OFTEN', `${this.#capacity} commands have not expired yet; expected fewer`);
    }
    this.#expiryByKey.set(key, expiresTimeMs);
    return undefined;
  }

  #makeRoom(nowMs: number): boolean {
    if (this.#expiryByKey.size < this.#capacity) return true;
    for (const [key, expiresTimeMs] of this.#expiryByKey) {
      if (expiresTimeMs > nowMs) continue;
      this.#expiryByKey.delete(key);
      return true;
    }
    return false;
  }
}
