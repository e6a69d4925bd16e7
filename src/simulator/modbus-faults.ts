/** What goes wrong with one request, as data. Faults that a framing does not have (a CRC over TCP) change nothing there. */
export type Fault =
  // The unit
  /** The request never reaches the unit. For every unit of a TCP server: accepts, and never answers. */
  | { readonly kind: 'silent' }
  /** The unit does what is asked, its answer gets lost. */
  | { readonly kind: 'lost' }
  /** Done at once, answered late. */
  | { readonly kind: 'late'; readonly ms: number }
  | { readonly kind: 'exception'; readonly code: number }
  // The answer, in a frame that is whole
  /** One register, or one byte of bits, fewer than asked. */
  | { readonly kind: 'short' }
  /** One register more than asked. */
  | { readonly kind: 'long' }
  /** The byte count of a read answer says this, whatever is behind it. */
  | { readonly kind: 'lying-count'; readonly count: number }
  | { readonly kind: 'wrong-function' }
  /** The last byte is another one: a write confirmed with another value. */
  | { readonly kind: 'altered' }
  // The frame
  | { readonly kind: 'wrong-unit' }
  | { readonly kind: 'wrong-transaction' }
  | { readonly kind: 'wrong-protocol' }
  /** The length field of the MBAP header. */
  | { readonly kind: 'lying-length'; readonly length: number }
  | { readonly kind: 'bad-crc' }
  // The wire
  /** The last bytes of the frame never come. */
  | { readonly kind: 'cut'; readonly bytes: number }
  | { readonly kind: 'noise'; readonly where: 'before' | 'inside' | 'after'; readonly bytes?: Buffer }
  /** Twice; the second time at once, or so long after the first. */
  | { readonly kind: 'duplicate'; readonly afterMs?: number }
  /** Kept back, and sent in one piece with the answer that comes next. */
  | { readonly kind: 'glued' }
  | { readonly kind: 'bytewise'; readonly gapMs: number }
  /** The frame, then so many bytes of rubbish. */
  | { readonly kind: 'flood'; readonly bytes: number }
  /** In place of an answer rubbish for so long, never quiet for more than 5 ms. */
  | { readonly kind: 'babble'; readonly ms: number }
  /** The request comes back, and nothing else does. */
  | { readonly kind: 'echo' }
  /** Another master talks at the same time: where two bytes meet, each 0 of both wins. On a line only. */
  | { readonly kind: 'collision' }
  /** Another master had a whole transaction with another unit just before the answer. On a line only. */
  | { readonly kind: 'second-master' }
  /** Received with twice the baud rate of the sender: twice as many bytes, none of them right. */
  | { readonly kind: 'wrong-speed' }
  // The connection; a serial line has none
  /** A TCP reset in place of an answer. */
  | { readonly kind: 'reset' }
  /** The connection is ended in order, in place of an answer. */
  | { readonly kind: 'ended' }
  /** From here on nobody is at the other end, and nobody says so: nothing is taken and nothing comes. */
  | { readonly kind: 'half-open' };

/** Which requests are hit; what is absent matches everything. */
export interface FaultScope {
  readonly unit?: number;
  readonly functions?: readonly number[];
  /** So many matching requests go through unharmed first. */
  readonly after?: number;
  /** So many are hit, then no more. */
  readonly times?: number;
  /** Of those that are left every so-manieth. */
  readonly every?: number;
}

/** The faults of one server or line, to be switched while it runs. Of several that match the first added wins. */
export class FaultSwitch {
  #rules: { readonly fault: Fault; readonly scope: FaultScope; seen: number }[] = [];

  /** Returns what takes the fault away again. */
  add(fault: Fault, scope: FaultScope = {}): () => void {
    const rule = { fault, scope, seen: 0 };
    this.#rules.push(rule);
    return () => {
      this.#rules = this.#rules.filter((other) => other !== rule);
    };
  }

  clear(): void {
    this.#rules = [];
  }

  /** The fault that the next request meets; counts it. */
  next(unit: number, functionCode: number): Fault | undefined {
    for (const rule of this.#rules) {
      const { unit: onlyUnit = unit, functions } = rule.scope;
      if (onlyUnit !== unit || functions?.includes(functionCode) === false) continue;
      rule.seen += 1;
      if (isHit(rule.seen, rule.scope)) return rule.fault;
    }
    return undefined;
  }
}

/** Whether the request that matches as number `seen`, counted from 1, is hit. */
function isHit(seen: number, { after = 0, times = Number.POSITIVE_INFINITY, every = 1 }: FaultScope): boolean {
  const left = seen - after;
  return left > 0 && left % every === 0 && left / every <= times;
}
