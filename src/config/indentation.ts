/** Blanks that look like one and are none: what word processors and web pages put where one copies from. */
const ODD_BLANK = /(?:^[ \t]*|^[ \t]*[\w$-]+:)[\u00a0\u2000-\u200b\u202f\u205f\u3000]/m;

/** Offset of the first blank that YAML does not know where a line is indented, or after the colon of its key. */
export function findOddBlank(text: string): number | undefined {
  const match = ODD_BLANK.exec(text);
  return match === null ? undefined : match.index + match[0].length - 1;
}

/** Where the text of the line that holds `offset` begins. */
export function textStart(text: string, offset: number): number {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  return lineStart + indentOf(text.slice(lineStart));
}

const MAX_NAMED = 3;

/** Where the keys start that a line could stand beside, the nearest first. */
export function describeLevelsAbove(text: string, offset: number): string {
  const lines = text.slice(0, text.lastIndexOf('\n', offset - 1) + 1).split('\n');
  const levels: string[] = [];
  let lowest = Number.POSITIVE_INFINITY;
  for (let index = lines.length - 1; index >= 0 && levels.length < MAX_NAMED && lowest > 0; index -= 1) {
    const line = lines[index] ?? '';
    const indent = indentOf(line);
    if (indent >= lowest || /^\s*(#|$)/.test(line)) continue;
    lowest = indent;
    if (/^ *- /.test(line)) return `line ${index + 1} begins a list with \`- \`; keys of a map stand without it`;
    levels.push(`line ${index + 1} in column ${indent + 1}`);
  }
  return `keys of one map start in the same column; those above: ${levels.join(', ')}`;
}

function indentOf(line: string): number {
  return /^ */.exec(line)?.[0].length ?? 0;
}
