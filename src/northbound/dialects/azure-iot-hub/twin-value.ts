import type { JsonValue, Value } from '../../../model/value.ts';
import { isArray, isCompound } from '../../../model/value.ts';
import { isObject } from './json.ts';

/** Of the desired or the reported properties of a device. */
export const MAX_TWIN_BYTES = 32 * 1_024;
const MAX_KEY_BYTES = 1_024;
const MAX_TEXT_BYTES = 4_096;
/** Levels of objects below the root. */
const MAX_DEPTH = 10;
/** Integers beyond are not kept exactly: 2^52 − 1. */
const MAX_INTEGER = 4_503_599_627_370_495;

/** As the twin can hold it: long integers as text. `undefined`: it cannot. */
export function twinValue(value: Value, depth: number): JsonValue | undefined {
  if (isCompound(value)) return depth >= MAX_DEPTH ? undefined : compound(value, depth + 1);
  if (typeof value === 'bigint') return isKept(Number(value)) ? Number(value) : String(value);
  if (typeof value === 'number') return Number.isInteger(value) && !isKept(value) ? String(value) : value;
  if (typeof value === 'string' && Buffer.byteLength(value) > MAX_TEXT_BYTES) return undefined;
  return value;
}

function isKept(value: number): boolean {
  return Math.abs(value) <= MAX_INTEGER;
}

/** An element without a value stays `null` in a list; a field without one is left out, for `null` would delete it. */
function compound(value: Value & object, depth: number): JsonValue | undefined {
  const parts: [string, JsonValue][] = [];
  for (const [key, part] of Object.entries(value) as [string, Value | null][]) {
    const isField = !isArray(value);
    if (isField && !isTwinKey(key)) return undefined;
    if (part === null && isField) continue;
    const kept = part === null ? null : twinValue(part, depth);
    if (kept === undefined) return undefined;
    parts.push([key, kept]);
  }
  return isArray(value) ? parts.map(([, part]) => part) : Object.fromEntries(parts);
}

/** Whether a property may be named so. */
export function isTwinKey(key: string): boolean {
  return key !== '' && Buffer.byteLength(key) <= MAX_KEY_BYTES && ![...key].some(isForbidden);
}

function isForbidden(character: string): boolean {
  const codePoint = character.codePointAt(0) ?? 0;
  return codePoint < 0x20 || (codePoint >= 0x7f && codePoint <= 0x9f) || '.$# '.includes(character);
}

/** What counts towards the bound of a twin: names and texts by their length, numbers eight bytes, booleans four. */
export function twinBytes(value: JsonValue): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value === 'number') return 8;
  if (typeof value === 'boolean') return 4;
  if (value === null) return 0;
  let bytes = 0;
  for (const [key, part] of Object.entries(value) as [string, JsonValue][]) {
    bytes += (isObject(value) ? Buffer.byteLength(key) : 0) + twinBytes(part);
  }
  return bytes;
}
