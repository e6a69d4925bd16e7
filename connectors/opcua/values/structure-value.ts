import type { DataType } from 'node-opcua-client';
import { GatewayError } from '../../../src/model/error.ts';
import { describeValue, isArray, isCompound, type Value } from '../../../src/model/value.ts';
import { dataTypeOf, type FieldSchema, fieldsOf, type StructureSchema, wordsOfField } from './raw-value.ts';
import { toLibrary } from './variant.ts';
import { numberOf } from './words.ts';

/** The fields of a structure as the library's constructor takes them: every one has to be given, none that the type does not have. */
export function toFields(value: Value | null, schema: StructureSchema, subject: string): Readonly<Record<string, unknown>> {
  if (!isCompound(value) || isArray(value))
    throw wrong(subject, `an object with the fields of ${schema.name} was expected`, value);
  const fields = fieldsOf(schema);
  const isUnion = fields.some(({ switchValue }) => switchValue !== undefined);
  const names = Object.keys(value);
  const unknown = names.find((name) => !fields.some(({ originalName }) => originalName === name));
  const known = fields.map(({ originalName }) => originalName).join(', ');
  if (unknown !== undefined) throw wrong(subject, `${schema.name} has no field ${unknown}; it has ${known}`, value);
  const missing = fields.find((field) => field.switchBit === undefined && !names.includes(field.originalName));
  if (!isUnion && missing !== undefined)
    throw wrong(subject, `the field ${missing.originalName} of ${schema.name} is missing`, value);
  if (isUnion && names.length !== 1) throw wrong(subject, `exactly one of ${known} was expected`, value);
  const given = fields.filter(({ originalName }) => names.includes(originalName));
  return Object.fromEntries(
    given.map((field) => [field.name, toField(partOf(value, field), field, `${subject}.${field.originalName}`)]),
  );
}

/** The value of one field, as the library holds it. */
export function toField(value: Value | null, field: FieldSchema, subject: string): unknown {
  if (field.isArray !== true) return toElement(value, field, subject);
  if (!isArray(value)) throw wrong(subject, 'a list was expected', value);
  return value.map((element, at) => toElement(element, field, `${subject}[${at}]`));
}

function toElement(value: Value | null, field: FieldSchema, subject: string): unknown {
  if (field.category === 'complex') return toFields(value, field.schema as StructureSchema, subject);
  if (value === null) throw wrong(subject, 'a value was expected', value);
  const words = wordsOfField(field);
  const known = typeof value === 'string' && words !== undefined ? numberOf(words, value, subject) : value;
  return toLibrary(known, dataTypeOf(field) as DataType, subject);
}

function partOf(value: object, { originalName }: FieldSchema): Value | null {
  return (value as Readonly<Record<string, Value | null>>)[originalName] ?? null;
}

function wrong(subject: string, expected: string, got: Value | null): GatewayError {
  return new GatewayError('VALUE_TYPE', subject, `${expected}; got ${describeValue(got).slice(0, 200)}`);
}
