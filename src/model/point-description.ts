import type { DataType } from './data-type.ts';
import type { ArgumentPlan, WriteRule } from './plan.ts';
import type { Point } from './point.ts';

/** What values consist of: a scalar, a list of equal elements, or fields by name. */
export type ValueType = DataType | { readonly element: ValueType } | { readonly fields: Readonly<Record<string, ValueType>> };

/** What is sent under one name, for metadata and models. */
export interface PointDescription extends Pick<Point, 'name' | 'kind' | 'unit'> {
  /** Absent: only the device knows. */
  readonly type?: ValueType;
  /** For people. */
  readonly description?: string;
  /** The texts that are sent in place of what the device holds, by that. */
  readonly words?: Readonly<Record<string, string>>;
  /** What a good value can be. */
  readonly min?: number;
  readonly max?: number;
  readonly write?: WriteRule;
}

/** The same with the scalar in it changed, or each where there are several. */
export function mapType(type: ValueType, change: (scalar: DataType) => DataType): ValueType {
  if (typeof type === 'string') return change(type);
  if ('element' in type) return { element: mapType(type.element, change) };
  return { fields: Object.fromEntries(Object.entries(type.fields).map(([name, field]) => [name, mapType(field, change)])) };
}

/** What single values, or the elements of a list, consist of; `undefined`: they are objects. */
export function scalarType(type: ValueType): DataType | undefined {
  if (typeof type === 'string') return type;
  return 'element' in type ? scalarType(type.element) : undefined;
}

/** For people. */
export function describeType(type: ValueType): string {
  return scalarType(type) ?? 'an object';
}

/** Of a structure only the device knows the fields. */
export function argumentType({ type, isArray }: ArgumentPlan): ValueType {
  const element = type === 'structure' ? { fields: {} } : type;
  return isArray ? { element } : element;
}
