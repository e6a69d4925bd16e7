/**
 * Lets so many at a time through as the wire takes; who is urgent goes before who is not, else in order of coming. Only one of
 * the urgent is inside at a time: writes happen in the order in which they came.
 */
export class Turn {
  readonly #capacity: number;
  readonly #urgent: (() => void)[] = [];
  readonly #others: (() => void)[] = [];
  #inside = 0;
  #isUrgentInside = false;

  constructor(capacity = 1) {
    this.#capacity = capacity;
  }

  /** Resolves with the function that gives the turn back. Rejects with the signal's reason while waiting. */
  async take(isUrgent: boolean, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#inside < this.#capacity && !(isUrgent && this.#isUrgentInside)) this.#enter(isUrgent);
    else await this.#wait(isUrgent ? this.#urgent : this.#others, signal);
    return () => this.#giveBack(isUrgent);
  }

  #enter(isUrgent: boolean): void {
    this.#inside += 1;
    if (isUrgent) this.#isUrgentInside = true;
  }

  /** The turn is handed over: whoever is next is inside at once, so that nobody slips in. */
  #giveBack(wasUrgent: boolean): void {
    this.#inside -= 1;
    if (wasUrgent) this.#isUrgentInside = false;
    while (this.#inside < this.#capacity) {
      const urgent = this.#isUrgentInside ? undefined : this.#urgent.shift();
      const next = urgent ?? this.#others.shift();
      if (next === undefined) return;
      this.#enter(urgent !== undefined);
      next();
    }
  }

  #wait(queue: (() => void)[], signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        queue.splice(queue.indexOf(go), 1);
        reject(signal.reason);
      };
      queue.push(go);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}
