import type { Request } from '../protocol/request.ts';
import type { Inbox } from './inbox.ts';

/**
 * Two-wire adapters may hand back every byte they send. An echoed read is never a valid answer and gives the adapter away; an
 * echoed single write (functions 5, 6 and 22) looks exactly like its confirmation, so it may only be sent when it is known whether
 * the adapter echoes.
 */
export class Echo {
  #state: 'unknown' | 'present' | 'absent';
  #expected: Buffer | undefined;

  constructor(setting: 'detect' | 'strip') {
    this.#state = setting === 'strip' ? 'present' : 'unknown';
  }

  isUnknownFor({ function: code }: Request): boolean {
    return this.#state === 'unknown' && (code === 5 || code === 6 || code === 22);
  }

  /** The request that is about to be sent. */
  expect(frame: Buffer): void {
    this.#expected = this.#state === 'absent' ? undefined : frame;
  }

  /** Takes the echo of the request out of the inbox, once; whether it was there. */
  strip(inbox: Inbox, request: Request): boolean {
    if (this.#expected === undefined || this.isUnknownFor(request)) return false;
    const start = inbox.bytes.indexOf(this.#expected);
    if (start < 0) return false;
    inbox.drop(start + this.#expected.length);
    this.#expected = undefined;
    this.#state = 'present';
    return true;
  }

  /** A valid answer without an echo before it. */
  answered(request: Request): void {
    if (this.#state === 'unknown' && !this.isUnknownFor(request)) this.#state = 'absent';
  }
}
