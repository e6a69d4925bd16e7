/** At most `size` things under way; the others wait their turn, first come, first served. */
export class SendWindow {
  readonly size: number;
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(size: number) {
    this.size = size;
  }

  /** Calls `start` at once when there is room and nobody waits, else when it is its turn. */
  enter(start: () => void): void {
    if (this.#taken >= this.size) {
      this.#waiting.push(start);
      return;
    }
    this.#taken += 1;
    start();
  }

  /** One is through: its place goes to the next. */
  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken -= 1;
    else next();
  }
}
