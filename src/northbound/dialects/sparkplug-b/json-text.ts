import type { Value } from '../../../model/value.ts';

/** For what only a text can carry. Long integers as digits. */
export function jsonText(value: Value | null | Readonly<Record<string, unknown>>): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? String(part) : part));
}
