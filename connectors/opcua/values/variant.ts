import {
  coerceNodeId,
  DataType,
  LocalizedText,
  QualifiedName,
  StatusCodes,
  VariantArrayType,
  type VariantOptions,
} from 'node-opcua-client';
import { GatewayError } from '../../../src/model/error.ts';
import { describeValue, isArray, isCompound, type Value } from '../../../src/model/value.ts';

const INTEGER_RANGES: ReadonlyMap<DataType, readonly [min: bigint, max: bigint]> = new Map([
  [DataType.SByte, [-(2n ** 7n), 2n ** 7n - 1n]],
  [DataType.Byte, [0n, 2n ** 8n - 1n]],
  [DataType.Int16, [-(2n ** 15n), 2n ** 15n - 1n]],
  [DataType.UInt16, [0n, 2n ** 16n - 1n]],
  [DataType.Int32, [-(2n ** 31n), 2n ** 31n - 1n]],
  [DataType.UInt32, [0n, 2n ** 32n - 1n]],
  [DataType.Int64, [-(2n ** 63n), 2n ** 63n - 1n]],
  [DataType.UInt64, [0n, 2n ** 64n - 1n]],
]);

/** The inverse of `toValue`, in exactly the type that the node holds; throws VALUE_TYPE or VALUE_OUT_OF_RANGE. */
export function toVariant(value: Value, dataType: DataType, subject: string): VariantOptions {
  const shape = shapeOf(value, subject);
  if (shape.length === 0) return { dataType, arrayType: VariantArrayType.Scalar, value: toLibrary(value, dataType, subject) };
  const converted = elementsOf(value, shape.length).map((element, at) => toLibrary(element, dataType, `${subject}[${at}]`));
  return arrayOf(dataType, converted, shape);
}

/** `elements`: of all dimensions in one list, as the library holds them. */
export function arrayOf(dataType: DataType, elements: readonly unknown[], shape: readonly number[]): VariantOptions {
  const value = [...elements];
  if (shape.length === 1) return { dataType, arrayType: VariantArrayType.Array, value };
  return { dataType, arrayType: VariantArrayType.Matrix, dimensions: [...shape], value };
}

/** Lengths of a list of lists; empty for anything else. Throws where the rows are not of one length. */
export function shapeOf(value: Value | null, subject: string): readonly number[] {
  if (!isArray(value)) return [];
  const shapes = value.map((element) => shapeOf(element, subject));
  if (new Set(shapes.map(String)).size > 1)
    throw new GatewayError('VALUE_TYPE', subject, 'lists of one length were expected; got lists of several lengths');
  return [value.length, ...(shapes[0] ?? [])];
}

/** Of a list of lists, in one list. */
export function elementsOf(value: Value | null, depth: number): readonly (Value | null)[] {
  return depth > 0 && isArray(value) ? value.flatMap((part) => elementsOf(part, depth - 1)) : [value];
}

/** One value as the library holds it; throws VALUE_TYPE or VALUE_OUT_OF_RANGE. */
export function toLibrary(value: Value | null, dataType: DataType, subject: string): unknown {
  if (value === null) throw new GatewayError('VALUE_TYPE', subject, `the node holds ${DataType[dataType]}; got null`);
  const range = INTEGER_RANGES.get(dataType);
  if (range !== undefined) return integer(value, dataType, range, subject);
  const converted = convert(value, dataType);
  if (converted === undefined) throw wrongType(value, dataType, subject);
  return converted;
}

function integer(told: Value, dataType: DataType, [min, max]: readonly [bigint, bigint], subject: string): unknown {
  const isWide = dataType === DataType.Int64 || dataType === DataType.UInt64;
  // JSON has no 64-bit integers.
  const value = isWide && typeof told === 'string' && /^-?\d{1,20}$/.test(told) ? BigInt(told) : told;
  if (typeof value !== 'bigint' && !(typeof value === 'number' && Number.isInteger(value)))
    throw wrongType(value, dataType, subject);
  const whole = BigInt(value);
  if (whole < min || whole > max) {
    throw new GatewayError('VALUE_OUT_OF_RANGE', subject, `${value} does not fit ${DataType[dataType]} (${min} to ${max})`);
  }
  return isWide ? halves(whole) : Number(whole);
}

function halves(value: bigint): readonly [high: number, low: number] {
  const bits = BigInt.asUintN(64, value);
  return [Number(bits >> 32n), Number(bits & 0xffff_ffffn)];
}

function convert(value: Value, dataType: DataType): unknown {
  switch (dataType) {
    case DataType.Boolean:
      return typeof value === 'boolean' ? value : undefined;
    case DataType.Float:
    case DataType.Double:
      return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined;
    default:
      return typeof value === 'string' ? convertText(value, dataType) : undefined;
  }
}

function convertText(text: string, dataType: DataType): unknown {
  switch (dataType) {
    case DataType.String:
    case DataType.XmlElement:
      return text;
    case DataType.DateTime:
      return dateOf(text);
    case DataType.ByteString:
      return /^[A-Za-z0-9+/]*={0,2}$/.test(text) ? Buffer.from(text, 'base64') : undefined;
    case DataType.Guid:
      return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) ? text.toUpperCase() : undefined;
    case DataType.LocalizedText:
      return new LocalizedText({ text });
    case DataType.QualifiedName:
      return qualifiedName(text);
    case DataType.NodeId:
      return nodeId(text);
    case DataType.StatusCode:
      return (StatusCodes as unknown as Record<string, unknown>)[text];
    default:
      return undefined;
  }
}

function dateOf(text: string): Date | undefined {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

function qualifiedName(text: string): QualifiedName {
  const [, index, name] = /^(\d{1,5}):(.*)$/s.exec(text) ?? [];
  return new QualifiedName(name === undefined ? { name: text } : { namespaceIndex: Number(index), name });
}

function nodeId(text: string): unknown {
  try {
    return coerceNodeId(text);
  } catch {
    return undefined;
  }
}

function wrongType(value: Value, dataType: DataType, subject: string): GatewayError {
  const got =
    typeof value === 'string'
      ? `the text ${JSON.stringify(value)}`
      : `${isCompound(value) ? 'the' : typeof value} ${describeValue(value).slice(0, 200)}`;
  return new GatewayError('VALUE_TYPE', subject, `the node holds ${DataType[dataType]}; got ${got}`);
}
