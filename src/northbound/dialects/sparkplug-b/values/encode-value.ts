import { isArray, isCompound, type Scalar, type Value } from '../../../../model/value.ts';
import { jsonText } from '../json-text.ts';
import type { DataSet, Metric, MetricValue, Template } from '../payload/payload.ts';
import { encodeArray } from './arrays.ts';
import { SCALARS, type ScalarType } from './datatypes.ts';
import { datatypeOf, elementOf, type MetricType, rowOf } from './metric-type.ts';
import { encodeScalar } from './scalars.ts';

type Structure = Extract<MetricType, { kind: 'structure' }>;
type Table = Extract<MetricType, { kind: 'table' }>;

/** The name under which a structure is defined in the birth of the node. */
export type TemplateNames = (type: MetricType) => string;

export function encodeValue(value: Value, type: MetricType, names: TemplateNames): MetricValue {
  switch (type.kind) {
    case 'unknown':
      return encodeScalar(value, 'String');
    case 'scalar':
      return encodeScalar(value, type.scalar);
    case 'array':
      return {
        case: 'bytesValue',
        value: encodeArray(isArray(value) ? (value as readonly Scalar[]) : [], elementOf(type)),
      };
    case 'table':
      return { case: 'datasetValue', value: encodeTable(value, type) };
    case 'structure':
      return { case: 'templateValue', value: encodeStructure(value, type, names) };
  }
}

function encodeTable(value: Value, { columns }: Table): DataSet {
  const rows = isArray(value) ? value.map((part) => rowOf(part) ?? {}) : [];
  return dataSet(columns, rows);
}

/** An empty cell has no value. */
export function dataSet(
  columns: ReadonlyMap<string, ScalarType | undefined>,
  rows: readonly Readonly<Record<string, Scalar | null>>[],
): DataSet {
  return {
    numOfColumns: BigInt(columns.size),
    columns: [...columns.keys()],
    types: [...columns.values()].map((type) => SCALARS[cellType(type)]),
    rows: rows.map((row) => ({ elements: [...columns].map(([name, type]) => encodeCell(row[name] ?? null, cellType(type))) })),
  };
}

/** Cells of a data set have no field for bytes; base64 stays text there. */
function cellType(type: ScalarType | undefined): ScalarType {
  return type === undefined || type === 'Bytes' || type === 'UUID' ? 'String' : type;
}

function encodeCell(cell: Scalar | null, type: ScalarType): DataSet['rows'][number]['elements'][number] {
  if (cell === null) return {};
  const value = encodeScalar(cell, type);
  return value.case === 'bytesValue' ? {} : { value };
}

function encodeStructure(value: Value, type: Structure, names: TemplateNames): Template {
  const given = isCompound(value) ? (value as Readonly<Record<string, Value | null>>) : {};
  const metrics = [...type.members].map(([name, member]) => encodeMember(name, given[name] ?? null, member, names));
  return { templateRef: names(type), isDefinition: false, metrics };
}

export function encodeMember(name: string, value: Value | null, type: MetricType, names: TemplateNames): Metric {
  const head = { name, datatype: datatypeOf(type) };
  return value === null ? { ...head, isNull: true } : { ...head, value: encodeValue(value, type, names) };
}

/** What the structure consists of, with all members and no values. */
export function defineTemplate(type: Structure, names: TemplateNames): Template {
  const metrics = [...type.members].map(([name, member]): Metric => {
    const head = { name, datatype: datatypeOf(member) };
    if (member.kind !== 'structure') return { ...head, isNull: true };
    return { ...head, value: { case: 'templateValue', value: { templateRef: names(member), isDefinition: false, metrics: [] } } };
  });
  return { isDefinition: true, metrics };
}

/** Bodies of events and results: whatever they hold, as a text. */
export function jsonValueOf(body: Readonly<Record<string, unknown>>): MetricValue {
  return { case: 'stringValue', value: jsonText(body) };
}
