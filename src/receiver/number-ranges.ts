/** First and last number, both included. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

/** A set of whole numbers as few ranges: a sequence with few holes takes little, however long it is. */
export class NumberRanges {
  /** In order, apart from each other by at least one number. */
  #ranges: NumberRange[] = [];

  get ranges(): readonly NumberRange[] {
    return this.#ranges;
  }

  get size(): number {
    return countOf(this.#ranges);
  }

  has(number: number): boolean {
    const range = this.#ranges[this.#firstEndingAt(number)];
    return range !== undefined && range.from <= number;
  }

  add(from: number, to = from): void {
    if (to < from) return;
    const start = this.#firstEndingAt(from - 1);
    let end = start;
    let [low, high] = [from, to];
    for (let range = this.#ranges[end]; range !== undefined && range.from <= to + 1; range = this.#ranges[end]) {
      low = Math.min(low, range.from);
      high = Math.max(high, range.to);
      end += 1;
    }
    this.#ranges.splice(start, end - start, { from: low, to: high });
  }

  /** What of `within` is not in this set. */
  missing(within: NumberRange): readonly NumberRange[] {
    const holes: NumberRange[] = [];
    let next = within.from;
    for (const { from, to } of this.#ranges.slice(this.#firstEndingAt(within.from))) {
      if (from > within.to) break;
      if (from > next) holes.push({ from: next, to: from - 1 });
      next = to + 1;
    }
    if (next <= within.to) holes.push({ from: next, to: within.to });
    return holes;
  }

  /** Index of the first range that ends at `number` or above. */
  #firstEndingAt(number: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ranges[middle]?.to ?? 0) < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export function countOf(ranges: readonly NumberRange[]): number {
  return ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0);
}

/** `3, 7-9` */
export function formatRanges(ranges: readonly NumberRange[]): string {
  return ranges.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');
}
