/** Enough for every alarm of a large server to be refreshed. */
const MAX_SEEN = 20_000;

/** Which events were handed on already; a refresh, a republish and a new session tell them again. Outlives the sessions. */
export class SeenEvents {
  readonly #seen = new Set<string>();

  /** `true` the first time. `eventId` empty: nobody can tell, so it is always new. */
  isNew(item: string, eventId: string): boolean {
    if (eventId === '') return true;
    const key = `${item} ${eventId}`;
    const wasSeen = this.#seen.delete(key);
    this.#seen.add(key);
    if (this.#seen.size > MAX_SEEN) for (const oldest of this.#seen) return this.#seen.delete(oldest) && !wasSeen;
    return !wasSeen;
  }
}
