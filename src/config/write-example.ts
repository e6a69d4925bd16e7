/** A value as it may be written in a mapping. */
export function writeExample(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(writeExample).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const pairs = Object.entries(value).map(([key, part]) => `${key}: ${writeExample(part)}`);
    return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`;
  }
  return typeof value === 'string' && /[{}[\],&*#?|<>=!%@`"']|: |^$|^[\d.+-]+$/.test(value) && !value.startsWith('!secret ')
    ? JSON.stringify(value)
    : String(value);
}
