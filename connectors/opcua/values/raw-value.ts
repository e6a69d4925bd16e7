import { DataType, Variant, VariantArrayType } from 'node-opcua-client';
import type { ValuePath } from '../mapping/value-path.ts';

/** A value as the library holds it, with what is needed to understand it: of a variable, an element of an array, a field. */
export interface RawValue {
  readonly dataType: DataType;
  /** One element, or all elements of all dimensions in one list, the last dimension running fastest. */
  readonly value: unknown;
  /** Lengths; empty for a single value. */
  readonly dimensions: readonly number[];
  /** Of an enumeration inside of a structure: what its numbers are called. */
  readonly words?: Words;
}

/** Text by value, as the server calls it: of an enumeration, or of `true` and `false`. */
export type Words = ReadonlyMap<string, string>;

/** A field of a structure as the library's schema describes it (`StructuredTypeField`). */
export interface FieldSchema {
  readonly name: string;
  readonly originalName: string;
  readonly fieldType: string;
  readonly category: string;
  readonly isArray?: boolean;
  readonly switchBit?: number;
  readonly switchValue?: number;
  readonly basicDataType?: number;
  readonly schema?: { readonly name: string; readonly subType?: string; readonly enumValues?: unknown };
}

export interface StructureSchema {
  readonly name: string;
  readonly baseType?: string;
  readonly fields: readonly FieldSchema[];
  getBaseSchema?(): StructureSchema | null | undefined;
}

export interface Structure {
  readonly schema: StructureSchema;
  readonly [field: string]: unknown;
}

export function toRaw({ dataType, arrayType, dimensions, value }: Variant): RawValue {
  if (arrayType === VariantArrayType.Scalar) return { dataType, value, dimensions: [] };
  const length = lengthOf(value);
  const isMatrix = arrayType === VariantArrayType.Matrix && dimensions !== null && dimensions !== undefined;
  return { dataType, value, dimensions: isMatrix ? dimensions : [length] };
}

/** `undefined` where there is nothing: no such field, an index that is too great, a field that is left out. */
export function pick(raw: RawValue, path: ValuePath): RawValue | undefined {
  let at: RawValue | undefined = raw;
  for (const step of path) at = at && (typeof step === 'number' ? element(at, step) : field(at, step));
  return at;
}

/** The structure behind the value; `undefined` where it is none, or one whose type the server does not tell. */
export function structureOf({ dataType, value, dimensions }: RawValue): Structure | undefined {
  if (dataType !== DataType.ExtensionObject || dimensions.length > 0) return undefined;
  if (typeof value !== 'object' || value === null || !('schema' in value)) return undefined;
  const structure = value as Structure;
  return structure.schema.name === 'ExtensionObject' ? undefined : structure;
}

/** Fields of the base types first, without the switch of a union. */
export function fieldsOf(schema: StructureSchema): readonly FieldSchema[] {
  const base = schema.getBaseSchema?.();
  const inherited = base === null || base === undefined || base.name === schema.name ? [] : fieldsOf(base);
  return [...inherited, ...(schema.baseType === 'Union' ? schema.fields.slice(1) : schema.fields)];
}

/** `undefined` for a field that is left out: optional, or the other side of a union. */
export function fieldValue(structure: Structure, { name, ...field }: FieldSchema): RawValue | undefined {
  const value = structure[name];
  if (value === undefined) return undefined;
  if (value instanceof Variant) return toRaw(value);
  const dimensions = field.isArray === true ? [lengthOf(value)] : [];
  const words = wordsOfField(field);
  return { dataType: dataTypeOf(field), value, dimensions, ...(words === undefined ? {} : { words }) };
}

/** The built-in type behind the type of a field. */
export function dataTypeOf({ category, basicDataType, fieldType, schema }: Omit<FieldSchema, 'name'>): DataType {
  if (category === 'complex') return DataType.ExtensionObject;
  if (category === 'enumeration') return DataType.Int32;
  const names = [fieldType, schema?.name, schema?.subType].filter((name) => name !== undefined);
  return names.map(dataTypeNamed).find((type) => type !== undefined) ?? basicDataType ?? DataType.Null;
}

const ALIASES: Readonly<Record<string, DataType>> = { UtcTime: DataType.DateTime, Char: DataType.Byte };

function dataTypeNamed(name: string): DataType | undefined {
  const type: unknown = ALIASES[name] ?? DataType[name as keyof typeof DataType];
  return typeof type === 'number' ? type : undefined;
}

function element({ value, dimensions, ...raw }: RawValue, index: number): RawValue | undefined {
  const [length = 0, ...rest] = dimensions;
  if (index >= length) return undefined;
  const stride = rest.reduce((product, size) => product * size, 1);
  const all = value as ArrayLike<unknown>;
  if (rest.length === 0) return { ...raw, value: all[index], dimensions: [] };
  const part = Array.from({ length: stride }, (_, at) => all[index * stride + at]);
  return { ...raw, value: part, dimensions: rest };
}

function field(raw: RawValue, name: string): RawValue | undefined {
  const structure = structureOf(raw);
  if (structure === undefined) return undefined;
  const found = fieldsOf(structure.schema).find(({ originalName, name: own }) => originalName === name || own === name);
  return found && fieldValue(structure, found);
}

function lengthOf(value: unknown): number {
  return typeof value === 'object' && value !== null && 'length' in value ? Number(value.length) : 0;
}

const knownWords = new WeakMap<object, Words>();

/** `undefined` where the field is no enumeration. The library keeps names and numbers, each by the other. */
export function wordsOfField({ schema }: Pick<FieldSchema, 'schema'>): Words | undefined {
  const enumValues = schema?.enumValues;
  if (typeof enumValues !== 'object' || enumValues === null) return undefined;
  const known = knownWords.get(enumValues);
  if (known !== undefined) return known;
  const words = new Map(
    Object.entries(enumValues).flatMap(([name, number]) => (typeof number === 'number' ? [[String(number), name] as const] : [])),
  );
  knownWords.set(enumValues, words);
  return words;
}
