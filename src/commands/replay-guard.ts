import type { Command } from '../model/command.ts';
import { type Finding, finding } from './finding.ts';
import type { Seen, SeenStore } from './seen-file.ts';

export interface ReplayGuardOptions {
  /** When the gateway started; UTC, milliseconds since 1970. */
  readonly startedTimeMs: number;
  /** Commands that were taken before this start, oldest first. */
  readonly seen?: readonly Seen[];
  /** There may be others: until then only commands that were certainly issued after the start are taken; UTC, milliseconds since 1970. */
  readonly distrustUntilTimeMs?: number;
  readonly store?: SeenStore;
  readonly capacity?: number;
}

/**
 * Remembers commands at least until they expire, over restarts. Nothing is forgotten before the memory is full, so that a clock set
 * back does not open the door again; a memory full of commands that have not expired takes no more of them.
 */
export class ReplayGuard {
  readonly #capacity: number;
  readonly #startedTimeMs: number;
  readonly #distrustUntilTimeMs: number;
  readonly #store: SeenStore | undefined;
  readonly #seen = new Map<string, Seen>();

  constructor({ startedTimeMs, seen = [], distrustUntilTimeMs = 0, store, capacity = 10_000 }: ReplayGuardOptions) {
    this.#capacity = capacity;
    this.#startedTimeMs = startedTimeMs;
    this.#distrustUntilTimeMs = distrustUntilTimeMs;
    this.#store = store;
    for (const one of seen) {
      this.#makeRoom(startedTimeMs);
      this.#seen.set(keyOf(one), one);
    }
  }

  /** Refuses a command seen before, and one that may be; remembers it otherwise. */
  admit(command: Command, expiresTimeMs: number, nowMs: number): Finding | undefined {
    const { device, id } = command;
    if (this.#seen.has(keyOf(command))) return finding('COMMAND_REPLAYED', `command ${id} was seen before`);
    const stale = this.#checkFreshness(command, nowMs);
    if (stale !== undefined) return stale;
    if (!this.#makeRoom(nowMs)) {
      return finding('COMMAND_TOO_OFTEN', `${this.#capacity} commands have not expired yet; expected fewer`);
    }
    const seen = { device, id, expiresTimeMs };
    this.#seen.set(keyOf(command), seen);
    this.#store?.add(seen, this.#seen.values());
    return undefined;
  }

  #checkFreshness({ issuedTimeMs, expiresTimeMs }: Command, nowMs: number): Finding | undefined {
    if (issuedTimeMs !== undefined && issuedTimeMs >= this.#startedTimeMs) return undefined;
    if (issuedTimeMs !== undefined && expiresTimeMs === undefined) {
      return finding('COMMAND_EXPIRED', 'it was issued before the gateway started, and does not say when it expires');
    }
    if (nowMs >= this.#distrustUntilTimeMs) return undefined;
    const message = 'what was commanded before the start cannot be read, so this may be done already: say when it was `issued`';
    return finding('COMMAND_REPLAYED', message);
  }

  #makeRoom(nowMs: number): boolean {
    if (this.#seen.size < this.#capacity) return true;
    for (const [key, { expiresTimeMs }] of this.#seen) {
      if (expiresTimeMs > nowMs) continue;
      this.#seen.delete(key);
      return true;
    }
    return false;
  }
}

function keyOf({ device, id }: Pick<Seen, 'device' | 'id'>): string {
  return JSON.stringify([device, id]);
}
