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
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'bytewise'; readonly gapMs: number }
  /** The frame, then so many bytes of rubbish. */
  | { readonly kind: 'flood'; readonly bytes: number }
  /** A TCP reset in place of an answer; nothing on a serial line. */
  | { readonly kind: 'reset' };

/** Which requests are hit; what is absent matches everything. */
export interface FaultScope {
  readonly unit?: number;
  readonly functions?: readonly number[];
  /** So many matching requests go through unharmed first. */
  readonly after?: number;
  /** So many are hit, then no more. */
  readonly times?: number;
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
      const { unit: onlyUnit = unit, functions, after = 0, times = Number.POSITIVE_INFINITY } = rule.scope;
      if (onlyUnit !== unit || functions?.includes(functionCode) === false) continue;
      rule.seen += 1;
      if (rule.seen > after && rule.seen <= after + times) return rule.fault;
    }
    return undefined;
  }
}
