import type { Scalar, Value } from '../../../../model/value.ts';
import type { DataSet, Metric, MetricValue, Template } from '../payload/payload.ts';
import { decodeArray } from './arrays.ts';
import { elementNamed, type ScalarType, scalarNamed } from './datatypes.ts';
import { elementOf, type MetricType, UNKNOWN } from './metric-type.ts';
import { decodeScalar } from './scalars.ts';

const MAX_DEPTH = 8;
const MAX_CELLS = 65_536;

/**
 * The value a host sent for a metric of this type; `undefined`: there is none, or it is none of this type. Where the type is not
 * known, what the command says of it counts.
 */
export function decodeValue(metric: Metric, type: MetricType, depth = 0): Value | undefined {
  const { value, datatype = 0, isNull = false } = metric;
  if (isNull || value === undefined || depth > MAX_DEPTH) return undefined;
  switch (type.kind) {
    case 'unknown':
      return decodeUnknown(value, datatype, depth);
    case 'scalar':
      return decodeScalar(value, type.scalar, scalarNamed(datatype));
    case 'array':
      return value.case === 'bytesValue' ? decodeArray(value.value, elementOf(type)) : undefined;
    case 'table':
      return value.case === 'datasetValue' ? decodeTable(value.value, isNumbered(type.columns)) : undefined;
    case 'structure':
      return value.case === 'templateValue' ? decodeTemplate(value.value, type.members, depth) : undefined;
  }
}

/** By the field it came in, where the command says nothing. */
const BY_FIELD: Readonly<Record<string, ScalarType>> = {
  ...{ intValue: 'Int32', longValue: 'Int64', floatValue: 'Float', doubleValue: 'Double' },
  ...{ booleanValue: 'Boolean', stringValue: 'String', bytesValue: 'Bytes' },
};

function decodeUnknown(value: MetricValue, datatype: number, depth: number): Value | undefined {
  const element = elementNamed(datatype);
  if (element !== undefined) return value.case === 'bytesValue' ? decodeArray(value.value, element) : undefined;
  if (value.case === 'datasetValue') return decodeTable(value.value, false);
  if (value.case === 'templateValue') return decodeTemplate(value.value, new Map(), depth);
  const scalar = scalarNamed(datatype) ?? BY_FIELD[value.case];
  return scalar === undefined ? undefined : decodeScalar(value, scalar);
}

function decodeTemplate({ metrics }: Template, members: ReadonlyMap<string, MetricType>, depth: number): Value | undefined {
  const given: [string, Value][] = [];
  for (const member of metrics) {
    const { name } = member;
    const value = name === undefined ? undefined : decodeValue(member, members.get(name) ?? UNKNOWN, depth + 1);
    if (name === undefined || name === '__proto__' || value === undefined) return undefined;
    given.push([name, value]);
  }
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

/** The columns of an array of arrays are numbered; of an array of structures they have the names of its members. */
function isNumbered(columns: ReadonlyMap<string, unknown>): boolean {
  return [...columns.keys()].every((name, index) => name === String(index + 1));
}

function decodeTable({ columns, types, rows }: DataSet, isMatrix: boolean): Value | undefined {
  if (columns.length !== types.length || columns.length * rows.length > MAX_CELLS || columns.includes('__proto__'))
    return undefined;
  const list: Value[] = [];
  for (const { elements } of rows) {
    const cells = elements.map(({ value }, index) => decodeCell(value, types[index]));
    if (cells.length !== columns.length || cells.some((cell) => cell === undefined)) return undefined;
    const row = cells as (Scalar | null)[];
    list.push(isMatrix ? row : Object.fromEntries(columns.map((name, index) => [name, row[index] ?? null])));
  }
  return list;
}

function decodeCell(value: MetricValue | undefined, datatype: number | undefined): Scalar | null | undefined {
  if (value === undefined) return null;
  const type = scalarNamed(datatype ?? 0);
  return type === undefined ? undefined : decodeScalar(value, type);
}
