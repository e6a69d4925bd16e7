import type { Log } from '../../../src/runtime/log.ts';

/** A disturbance while the port was opened is no reason yet. */
const ENOUGH = 3;
const CAUSE = 'check baud rate, parity and stop bits of the line (behind a converter, those set there)';

/** Tells a line on which nothing but damage was ever heard, because its speed or parity is wrong, from one that is disturbed. */
export class Damage {
  readonly #log: Pick<Log, 'warn'>;
  #damaged = 0;
  #isInOrder = false;

  constructor(log: Pick<Log, 'warn'>) {
    this.#log = log;
  }

  /** A whole frame came, of anybody. */
  frame(): void {
    this.#isInOrder = true;
  }

  /** What to say of one more damaged answer. */
  describe(): string {
    this.#damaged += 1;
    if (this.#isInOrder || this.#damaged < ENOUGH) return 'a damaged answer';
    if (this.#damaged === ENOUGH) this.#log.warn('nothing but damaged frames', { action: CAUSE });
    return `nothing but damaged frames since the line was opened, ${CAUSE}`;
  }
}
