/** DTDL v2; longer names are allowed since v3, but not everywhere. */
const MAX_LENGTH = 64;

/**
 * A name for each path: of its last parts, as few as tell it from the others, in letters and digits with a letter first (DTDL).
 * What even the whole path does not tell apart is numbered.
 */
export function proposeNames(paths: readonly (readonly string[])[]): readonly string[] {
  const names = new Map<number, string>();
  const taken = new Set<string>();
  const deepest = Math.max(0, ...paths.map(({ length }) => length));
  for (let parts = 1; parts <= deepest && names.size < paths.length; parts += 1) {
    const open = paths.flatMap((path, at) => (names.has(at) ? [] : [{ at, name: toName(path.slice(-parts)) }]));
    const groups = Map.groupBy(open, ({ name }) => name.toLowerCase());
    for (const [key, group] of groups) {
      const [only] = group;
      if (only === undefined || group.length > 1 || taken.has(key)) continue;
      taken.add(key);
      names.set(only.at, only.name);
    }
  }
  return paths.map((path, at) => names.get(at) ?? numbered(toName(path), taken));
}

/** Letters and digits with a letter first. */
export function toName(parts: readonly string[]): string {
  const plain = parts.join(' ').normalize('NFKD').replaceAll('ß', 'ss').replace(/\p{M}/gu, '');
  const words = plain.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  const joined = words.map((word, at) => (at === 0 ? lowerFirst(word) : `${word[0]?.toUpperCase()}${word.slice(1)}`)).join('');
  const named = /^[A-Za-z]/.test(joined) ? joined : `p${joined}`;
  return joined === '' ? 'point' : named.slice(0, MAX_LENGTH);
}

/** `PLCTemp` stays readable: of capitals in a row the last begins the next word. */
function lowerFirst(word: string): string {
  return word.replace(/^[A-Z]+(?=[A-Z][a-z])|^[A-Z]+(?![a-z])|^[A-Z]/, (capitals) => capitals.toLowerCase());
}

function numbered(name: string, taken: Set<string>): string {
  for (let number = 2; ; number += 1) {
    const candidate = `${name.slice(0, MAX_LENGTH - 6)}${number}`;
    if (taken.has(candidate.toLowerCase())) continue;
    taken.add(candidate.toLowerCase());
    return candidate;
  }
}
