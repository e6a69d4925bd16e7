/** Text of devices on a terminal: it takes the columns it says, and never commands the terminal. */
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Control, format (also the bidirectional ones), surrogate and line-separating characters. */
const DANGEROUS = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Unicode Standard Annex 11, the wide and fullwidth blocks in common use, and pictographs. */
const WIDE =
  /^(?:[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}]|\p{Emoji_Presentation})/u;

export function escapeControls(text: string): string {
  return text.replace(DANGEROUS, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

export function displayWidth(text: string): number {
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += widthOf(segment);
  return width;
}

function widthOf(grapheme: string): number {
  if (/^\p{M}+$/u.test(grapheme)) return 0;
  return WIDE.test(grapheme) ? 2 : 1;
}

/** Exactly so many columns: filled with blanks, or cut with an ellipsis. Controls are escaped. */
export function pad(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
  const cut = clip(text, columns);
  const blanks = ' '.repeat(Math.max(0, columns - displayWidth(cut)));
  return align === 'left' ? cut + blanks : blanks + cut;
}

/** At most so many columns. Controls are escaped. */
export function clip(text: string, columns: number): string {
  const safe = escapeControls(text);
  if (columns <= 0) return '';
  if (displayWidth(safe) <= columns) return safe;
  let kept = '';
  let width = 0;
  for (const { segment } of graphemes.segment(safe)) {
    width += widthOf(segment);
    if (width > columns - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}
