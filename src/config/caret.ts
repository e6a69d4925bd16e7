/** Where a caret must stand so that a terminal shows it under the character meant, tabs and wide characters included. */
const MAX_SHOWN = 160;
const WIDE = /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE4F\uFF00-\uFF60\uFFE0-\uFFE6]/;
const ZERO = /\p{Mn}|\p{Me}|[\u200B-\u200D]|[\uFE00-\uFE0F]/u;

/** A line too long for a terminal, cut around the column (from 1, in characters). */
export function clipLine(line: string, column: number): { readonly text: string; readonly column: number } {
  if (line.length <= MAX_SHOWN) return { text: line, column };
  const characters = [...line];
  const from = Math.max(0, column - 1 - MAX_SHOWN / 2);
  const to = Math.min(characters.length, from + MAX_SHOWN);
  const before = from > 0 ? '…' : '';
  const after = to < characters.length ? '…' : '';
  return { text: before + characters.slice(from, to).join('') + after, column: column - from + before.length };
}

/** Blanks up to the column, then one caret for each of `length` characters, never past the end of the line. */
export function caretLine(line: string, column: number, length: number): string {
  const characters = [...line];
  const pad = characters.slice(0, column - 1).map((character) => (character === '\t' ? '\t' : ' '.repeat(width(character))));
  const marked = characters.slice(column - 1, column - 1 + length).reduce((sum, character) => sum + width(character), 0);
  return pad.join('') + '^'.repeat(Math.max(1, marked));
}

function width(character: string): number {
  if (ZERO.test(character)) return 0;
  const codePoint = character.codePointAt(0) ?? 0;
  return WIDE.test(character) || (codePoint >= 0x1f300 && codePoint <= 0x3fffd) ? 2 : 1;
}
