/**
 * One element of a value. 64-bit integers are bigint from the wire to the encoder. A date-time is its ISO 8601 UTC text, bytes
 * are their base64 text, a GUID its canonical text: what JSON can carry without loss, except NaN and the infinities, which
 * stay numbers until the assembler turns them into `null` (alone: with quality `bad`; inside of a compound: only there).
 */
export type Scalar = boolean | number | bigint | string;

/** One value of a point: a scalar, or a compound of them: an array, a matrix (array of rows) or a structure by field name. */
export type Value = Scalar | readonly (Value | null)[] | { readonly [name: string]: Value | null };

export type Compound = Exclude<Value, Scalar>;

/** `null` inside of a compound: an element that has no value. */
export function isCompound(value: Value | null): value is Compound {
  return typeof value === 'object' && value !== null;
}

export function isArray(value: Value | null): value is readonly (Value | null)[] {
  return Array.isArray(value);
}

export function isNumber(value: Value | null): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** A scalar, or an array all the way down: what operators that change single values can work on element by element. */
export function isScalarOrArray(value: Value | null): boolean {
  return !isCompound(value) || (isArray(value) && value.every(isScalarOrArray));
}

/** A number, or an array of nothing but numbers. */
export function isNumeric(value: Value): boolean {
  return isScalarOrArray(value) && !someScalar(value, (scalar) => !isNumber(scalar));
}

export type JsonValue = boolean | number | string | null | readonly JsonValue[] | { readonly [name: string]: JsonValue };

/** The same shape with every scalar replaced; `null` stays. */
export function mapScalars<T extends Value | JsonValue>(value: Value | null, change: (scalar: Scalar) => T | null): T | null {
  if (value === null) return null;
  if (!isCompound(value)) return change(value);
  const parts = Object.entries(value).map(([name, part]) => [name, mapScalars(part, change)] as const);
  return (isArray(value) ? parts.map(([, part]) => part) : Object.fromEntries(parts)) as T;
}

/** Every element, `null` too, in order; the value itself where it is a scalar. */
export function* scalarsOf(value: Value | null): Generator<Scalar | null> {
  if (!isCompound(value)) yield value;
  else for (const part of Object.values(value)) yield* scalarsOf(part);
}

export function someScalar(value: Value | null, isMeant: (scalar: Scalar) => boolean): boolean {
  if (value === null) return false;
  if (!isCompound(value)) return isMeant(value);
  return Object.values(value).some((part) => someScalar(part, isMeant));
}

/** Deeply the same; NaN is the same as NaN, and 0 as −0 is not, as with `Object.is`. */
export function isSame(a: Value | null, b: Value | null): boolean {
  return matches(a, b, Object.is);
}

/** Whether two values have the same shape and `isLike` holds for each pair of scalars. */
export function matches(a: Value | null, b: Value | null, isLike: (a: Scalar, b: Scalar) => boolean): boolean {
  if (a === null || b === null) return a === b;
  if (!isCompound(a) || !isCompound(b)) return !isCompound(a) && !isCompound(b) && isLike(a, b);
  if (isArray(a) !== isArray(b)) return false;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  const [left, right] = [a, b] as readonly Readonly<Record<string, Value | null>>[];
  return names.every((name) => Object.hasOwn(b, name) && matches(left?.[name] ?? null, right?.[name] ?? null, isLike));
}

/** For people: as JSON, long integers as digits. */
export function describeValue(value: Value | null): string {
  if (!isCompound(value)) return String(value);
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? String(part) : part));
}
