/** One piece of work at a time for each device: a command must not read back what another has just written. */
export class Turns {
  readonly #waiting = new Map<string, number>();
  readonly #last = new Map<string, Promise<unknown>>();
  readonly #maxWaiting: number;

  constructor(maxWaiting = 16) {
    this.#maxWaiting = maxWaiting;
  }

  /** `undefined`: too much is waiting for this device already. */
  take<T>(device: string, work: () => Promise<T>): Promise<T> | undefined {
    const waiting = this.#waiting.get(device) ?? 0;
    if (waiting >= this.#maxWaiting) return undefined;
    this.#waiting.set(device, waiting + 1);
    const before = this.#last.get(device) ?? Promise.resolve();
    const turn = before.then(work).finally(() => this.#leave(device));
    this.#last.set(
      device,
      turn.catch(() => {}),
    );
    return turn;
  }

  #leave(device: string): void {
    const waiting = (this.#waiting.get(device) ?? 1) - 1;
    if (waiting > 0) this.#waiting.set(device, waiting);
    else {
      this.#waiting.delete(device);
      this.#last.delete(device);
    }
  }
}
