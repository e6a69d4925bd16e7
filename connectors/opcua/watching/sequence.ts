/**
 * The numbers of the messages of one subscription (Part 4 §5.14.1): 1, 2, 3 … and after 2³²−1 again 1. A server may answer out of
 * order, and sends a message again when it is asked for it: what came before is known by its number.
 */
export class Sequence {
  /** `undefined` until the first message came: some servers do not begin with 1. */
  #next: number | undefined;
  #newestMs = 0;
  readonly #seen = new Set<number>();

  get next(): number | undefined {
    return this.#next;
  }

  /** Messages that should have come before this one; 0 too for one that is late. */
  missingBefore(sequence: number): number {
    return Math.max(0, distance(this.#next ?? sequence, sequence));
  }

  /** It came already. A server that counts anew is no repetition: its messages are younger than any before. */
  isRepeated(sequence: number, publishMs: number): boolean {
    return this.#seen.has(sequence) && publishMs <= this.#newestMs;
  }

  take(sequence: number, publishMs: number): void {
    this.#seen.delete(sequence);
    this.#seen.add(sequence);
    for (const oldest of this.#seen) {
      if (this.#seen.size <= MAX_REMEMBERED) break;
      this.#seen.delete(oldest);
    }
    this.#newestMs = Math.max(this.#newestMs, publishMs);
    const ahead = distance(this.#next ?? sequence, sequence);
    if (ahead >= 0 || ahead < -MAX_REMEMBERED) this.#next = following(sequence);
  }

  /** What is missing before this number is gone for good. */
  skipTo(sequence: number): void {
    this.#next = sequence;
  }
}

const MAX_SEQUENCE = 0xffff_ffff;
/** As many as a server keeps to send again, and more. */
const MAX_REMEMBERED = 200;

function following(sequence: number): number {
  return sequence >= MAX_SEQUENCE ? 1 : sequence + 1;
}

/** Steps from `next` to `received`; negative where it lies behind. */
function distance(next: number, received: number): number {
  const ahead = received - next;
  if (ahead > MAX_SEQUENCE / 2) return ahead - MAX_SEQUENCE;
  return ahead < -MAX_SEQUENCE / 2 ? ahead + MAX_SEQUENCE : ahead;
}
