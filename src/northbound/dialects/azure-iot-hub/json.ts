import type { JsonValue } from '../../../model/value.ts';

export type JsonObject = { readonly [name: string]: JsonValue };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `undefined` where it is no JSON object in UTF-8, or larger than `maxBytes`. */
export function parseObject(payload: Uint8Array, maxBytes: number): JsonObject | undefined {
  if (payload.length > maxBytes) return undefined;
  try {
    const parsed: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** RFC 7396: `null` deletes. Own keys only, `__proto__` is a key like any other. */
export function mergePatch(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (!isObject(patch)) return patch;
  const merged = new Map(Object.entries(isObject(target) ? target : {}));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, mergePatch(merged.get(key), value));
  }
  return Object.fromEntries(merged);
}

/** Two patches as one: what stands in the second is stronger, and its `null` still deletes. */
export function joinPatches(first: JsonValue | undefined, second: JsonValue): JsonValue {
  if (!isObject(first) || !isObject(second)) return second;
  const joined = new Map(Object.entries(first));
  for (const [key, value] of Object.entries(second)) joined.set(key, joinPatches(joined.get(key), value));
  return Object.fromEntries(joined);
}
