/** A part of a file, as offsets into its text. */
export interface Span {
  readonly file: SourceFile;
  readonly start: number;
  readonly end: number;
}

/** One configuration file as it was read; knows its lines, and what of them must not be shown. */
export class SourceFile {
  /** Absolute. */
  readonly path: string;
  /** How problems call it. */
  readonly name: string;
  readonly text: string;
  #lineStarts: readonly number[] | undefined;
  #masked: { readonly start: number; readonly end: number }[] = [];

  constructor(path: string, name: string, text: string) {
    this.path = path;
    this.name = name;
    this.text = text;
  }

  span(start: number, end = start): Span {
    return { file: this, start, end };
  }

  /** What stands there is a secret in clear: problems show stars instead. */
  mask(start: number, end: number): void {
    this.#masked.push({ start, end });
  }

  /** Both count from 1; the column counts characters, a tab is one. */
  position(offset: number): { readonly line: number; readonly column: number } {
    const line = this.#lineIndex(offset);
    return { line: line + 1, column: countCharacters(this.text.slice(this.#lineStart(line), offset)) + 1 };
  }

  /** The line (from 1) without its end, secrets masked. */
  shownLine(line: number): string {
    const start = this.#lineStart(line - 1);
    const next = this.#lines()[line];
    let text = this.text.slice(start, next === undefined ? undefined : next - 1).replace(/\r$/, '');
    for (const masked of this.#masked) {
      const from = Math.max(masked.start - start, 0);
      const to = Math.min(masked.end - start, text.length);
      if (from < to) text = text.slice(0, from) + '*'.repeat(to - from) + text.slice(to);
    }
    return text;
  }

  #lines(): readonly number[] {
    this.#lineStarts ??= findLineStarts(this.text);
    return this.#lineStarts;
  }

  #lineStart(index: number): number {
    return this.#lines()[index] ?? 0;
  }

  #lineIndex(offset: number): number {
    const starts = this.#lines();
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

export function countCharacters(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

function findLineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}
