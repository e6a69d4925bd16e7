import { serialize } from 'node:v8';
import type { Stored } from '../model/twin-message.ts';

/** Of messages of one twin and kind at which a hub hangs up: how small they were at least, how many were given up. */
interface Known {
  readonly bytes: number;
  readonly verdicts: number;
  /** Others that are no smaller are held back before they cost a connection: two are no accident. */
  readonly isRule: boolean;
}

const NOTHING: Known = { bytes: Number.POSITIVE_INFINITY, verdicts: 0, isRule: false };

/** What is known of the kinds of messages at which a hub hangs up; at most one entry for each kind of each twin. */
export class SuspectKinds {
  readonly #known = new Map<string, Known>();

  has(kind: string): boolean {
    return this.#known.has(kind);
  }

  verdicts(kind: string): number {
    return this.#of(kind).verdicts;
  }

  /** Whether the hub will hang up at it, too, as far as anybody can tell. */
  covers(stored: Stored): boolean {
    const { isRule, bytes } = this.#of(kindOf(stored));
    return isRule && bytesOf(stored) >= bytes;
  }

  gaveUp(kind: string, bytes: number): void {
    const known = this.#of(kind);
    this.#known.set(kind, { ...known, bytes: Math.min(known.bytes, bytes), verdicts: known.verdicts + 1 });
  }

  /** `bytes` of those at which it is proven that it hangs up, and that are not given up yet. */
  proved(kind: string, bytes: readonly number[]): void {
    const known = this.#of(kind);
    if (bytes.length + known.verdicts >= 2)
      this.#known.set(kind, { ...known, bytes: Math.min(known.bytes, ...bytes), isRule: true });
  }

  forget(kind: string): void {
    this.#known.delete(kind);
  }

  #of(kind: string): Known {
    return this.#known.get(kind) ?? NOTHING;
  }
}

/** What rights and topics follow. */
export function kindOf({ message: { twin, kind } }: Stored): string {
  return `${kind} ${twin}`;
}

/** Something that grows with what it has on the wire, whatever the shape. */
export function bytesOf({ message }: Stored): number {
  return serialize(message).length;
}
