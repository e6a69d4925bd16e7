/** Lets one at a time through; who is urgent goes before who is not, else in order of coming. */
export class Turn {
  readonly #urgent: (() => void)[] = [];
  readonly #others: (() => void)[] = [];
  #isTaken = false;

  /** Resolves with the function that gives the turn back. Rejects with the signal's reason while waiting. */
  async take(isUrgent: boolean, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#isTaken) await this.#wait(isUrgent ? this.#urgent : this.#others, signal);
    this.#isTaken = true;
    return () => this.#giveBack();
  }

  /** The turn is handed over: it stays taken in between, so that nobody slips in. */
  #giveBack(): void {
    const next = this.#urgent.shift() ?? this.#others.shift();
    if (next === undefined) this.#isTaken = false;
    else next();
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
