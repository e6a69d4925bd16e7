/** Properties of a message as they stand at the end of its topic: `key=value&key=value`. `null` is a key without `=`. */
export type PropertyBag = Readonly<Record<string, string | null>>;

export function encodeBag(bag: PropertyBag): string {
  return Object.entries(bag)
    .map(([key, value]) => encodeURIComponent(key) + (value === null ? '' : `=${encodeURIComponent(value)}`))
    .join('&');
}

/** `undefined` where it is no property bag. */
export function decodeBag(text: string): PropertyBag | undefined {
  const parts = text
    .replace(/^[?]/, '')
    .split('&')
    .filter((part) => part !== '');
  try {
    return Object.fromEntries(parts.map(decodePart));
  } catch {
    return undefined;
  }
}

function decodePart(part: string): readonly [string, string | null] {
  const at = part.indexOf('=');
  if (at < 0) return [decodeURIComponent(part), null];
  return [decodeURIComponent(part.slice(0, at)), decodeURIComponent(part.slice(at + 1))];
}
