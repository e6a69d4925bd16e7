/**
 * Strings and the characters that give JSON its structure; everything else is of no interest here. A string without an end goes as far as
 * the text: looked for from each of its quotes anew, 64 KB would take seconds.
 */
const TOKEN = /"(?:[^"\\]|\\[\s\S])*(?:"|\\?$)|[{}[\]:,]/g;
/** A command, its `desired`, and room for a value that is a structure of arrays of structures. */
const MAX_DEPTH = 8;

interface Level {
  readonly keys: Set<string> | undefined;
  /** The last string, until a colon makes it a key. */
  text: string | undefined;
}

/** What `JSON.parse` would take but nobody should send: keys given twice, `__proto__`, deep nesting. Syntax is left to the parser. */
export function jsonFault(text: string): string | undefined {
  const levels: Level[] = [];
  for (const [token] of text.matchAll(TOKEN)) {
    const level = levels.at(-1);
    if (token === '{' || token === '[') levels.push({ keys: token === '{' ? new Set() : undefined, text: undefined });
    else if (token === '}' || token === ']') levels.pop();
    else if (token === ':') {
      const fault = keyFault(level);
      if (fault !== undefined) return fault;
    } else if (level !== undefined) level.text = token === ',' ? undefined : token;
    if (levels.length > MAX_DEPTH) return `nested deeper than ${MAX_DEPTH} levels`;
  }
  return undefined;
}

function keyFault(level: Level | undefined): string | undefined {
  if (level?.keys === undefined || level.text === undefined) return undefined;
  const key = unescaped(level.text);
  if (key === '__proto__') return 'no key may be named `__proto__`';
  if (level.keys.has(key)) return `the key \`${key}\` stands twice`;
  level.keys.add(key);
  return undefined;
}

function unescaped(literal: string): string {
  try {
    return String(JSON.parse(literal));
  } catch {
    return literal;
  }
}
