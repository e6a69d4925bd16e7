import type { DataType } from '../../../../model/data-type.ts';
import { isArray, isCompound, type Scalar, type Value } from '../../../../model/value.ts';
import { ARRAYS, DATA_SET, type ElementType, isElement, SCALARS, type ScalarType, TEMPLATE } from './datatypes.ts';
import { joinScalars, scalarTypeOf } from './scalar-type.ts';

/**
 * What a metric can carry. A birth fixes it, so it has to hold for the values that come: it is learnt from them, and only grows
 * (`join`), at the latest into a text, so that no metric is born anew for ever.
 */
export type MetricType =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'scalar'; readonly scalar: ScalarType }
  /** No element seen yet: its type is not known. `isSparse`: one without a value was seen. */
  | { readonly kind: 'array'; readonly element: ScalarType | undefined; readonly isSparse: boolean }
  | { readonly kind: 'table'; readonly columns: ReadonlyMap<string, ScalarType | undefined> }
  | { readonly kind: 'structure'; readonly members: ReadonlyMap<string, MetricType> };

export const UNKNOWN: MetricType = { kind: 'unknown' };
export const TEXT: MetricType = { kind: 'scalar', scalar: 'String' };

/** `hint`: what the mapping says of the scalars in it. */
export function typeOf(value: Value | null, hint?: DataType): MetricType {
  if (value === null) return UNKNOWN;
  if (!isCompound(value)) return { kind: 'scalar', scalar: scalarTypeOf(value, hint) };
  if (isArray(value)) return typeOfList(value, hint);
  const members = Object.entries(value).map(([name, member]) => [name, typeOf(member)] as const);
  return members.length === 0 ? TEXT : { kind: 'structure', members: new Map(members) };
}

function typeOfList(list: readonly (Value | null)[], hint: DataType | undefined): MetricType {
  if (list.every((part) => !isCompound(part))) return arrayOf(list as readonly (Scalar | null)[], hint);
  const rows = list.map(rowOf);
  if (rows.some((row) => row === undefined)) return TEXT;
  const columns = new Map<string, ScalarType | undefined>();
  for (const [name, cell] of rows.flatMap((row) => Object.entries(row ?? {}))) {
    columns.set(name, joinScalars(columns.get(name), cell === null ? undefined : scalarTypeOf(cell, hint)));
  }
  return columns.size === 0 ? TEXT : { kind: 'table', columns };
}

function arrayOf(list: readonly (Scalar | null)[], hint: DataType | undefined): MetricType {
  let element: ScalarType | undefined;
  for (const part of list) if (part !== null) element = joinScalars(element, scalarTypeOf(part, hint));
  return { kind: 'array', element, isSparse: list.includes(null) };
}

/** A packed array has no place for `null`: among numbers it becomes NaN, among others an empty text. */
export function elementOf({ element, isSparse }: Extract<MetricType, { kind: 'array' }>): ElementType {
  if (element === undefined || !isElement(element)) return 'String';
  if (!isSparse || element === 'Float') return element;
  return joinScalars(element, 'Double') === 'Double' ? 'Double' : 'String';
}

/** A row of a table by column: of an array of arrays the columns are numbered from 1. `undefined`: it is no row. */
export function rowOf(part: Value | null): Readonly<Record<string, Scalar | null>> | undefined {
  if (!isCompound(part)) return undefined;
  const cells = isArray(part) ? part.map((cell, index) => [String(index + 1), cell] as const) : Object.entries(part);
  if (cells.some(([, cell]) => isCompound(cell))) return undefined;
  return Object.fromEntries(cells) as Record<string, Scalar | null>;
}

/** The smallest type that holds what both hold. */
export function join(a: MetricType, b: MetricType): MetricType {
  if (a.kind === 'unknown') return b;
  if (b.kind === 'unknown') return a;
  if (a.kind === 'scalar' && b.kind === 'scalar') return { kind: 'scalar', scalar: joinScalars(a.scalar, b.scalar) ?? 'String' };
  if (a.kind === 'array' && b.kind === 'array')
    return { kind: 'array', element: joinScalars(a.element, b.element), isSparse: a.isSparse || b.isSparse };
  if (a.kind === 'table' && b.kind === 'table')
    return { kind: 'table', columns: union<ScalarType | undefined>(a.columns, b.columns, joinScalars) };
  if (a.kind === 'structure' && b.kind === 'structure')
    return { kind: 'structure', members: union(a.members, b.members, (left, right) => join(left ?? UNKNOWN, right ?? UNKNOWN)) };
  return isEmptyArray(a) && b.kind === 'table' ? b : isEmptyArray(b) && a.kind === 'table' ? a : TEXT;
}

function isEmptyArray(type: MetricType): boolean {
  return type.kind === 'array' && type.element === undefined;
}

function union<T>(
  a: ReadonlyMap<string, T>,
  b: ReadonlyMap<string, T>,
  both: (left: T | undefined, right: T | undefined) => T,
): ReadonlyMap<string, T> {
  return new Map([...a.keys(), ...b.keys()].map((name) => [name, both(a.get(name), b.get(name))] as const));
}

/** The same text for the same type: what a birth said of a metric, and what makes two templates one. */
export function signatureOf(type: MetricType): string {
  switch (type.kind) {
    case 'unknown':
      return '?';
    case 'scalar':
      return type.scalar;
    case 'array':
      return `[${elementOf(type)}]`;
    case 'table':
      return `|${[...type.columns].map(([name, column]) => `${JSON.stringify(name)}:${column ?? '?'}`).join()}|`;
    case 'structure':
      return `{${[...type.members].map(([name, member]) => `${JSON.stringify(name)}:${signatureOf(member)}`).join()}}`;
  }
}

/** What is not known yet is announced as a text. */
export function datatypeOf(type: MetricType): number {
  switch (type.kind) {
    case 'unknown':
      return SCALARS.String;
    case 'scalar':
      return SCALARS[type.scalar];
    case 'array':
      return ARRAYS[elementOf(type)];
    case 'table':
      return DATA_SET;
    case 'structure':
      return TEMPLATE;
  }
}
