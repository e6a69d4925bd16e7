import { nearest } from '../model/nearest.ts';

const MAX_LISTED = 30;

export function didYouMean(word: string, words: readonly string[]): string | undefined {
  const found = nearest(word, words);
  return found === undefined ? undefined : `did you mean \`${found}\`?`;
}

/** `a`, `b`, `c`; long lists are cut. */
export function listWords(words: readonly string[]): string {
  const shown = words.slice(0, MAX_LISTED).map((word) => `\`${word}\``);
  return words.length > shown.length ? `${shown.join(', ')}, …` : shown.join(', ');
}
