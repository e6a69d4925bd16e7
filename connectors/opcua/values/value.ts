import { DataType, Variant } from 'node-opcua-client';
import { shortestFloat32 } from '../../../src/model/float32.ts';
import type { Value } from '../../../src/model/value.ts';
import { fieldsOf, fieldValue, type RawValue, structureOf, toRaw } from './raw-value.ts';

/** The library's 64-bit integers: high and low half. */
export function toBigInt([high, low]: readonly [number, number], isSigned: boolean): bigint {
  const bits = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  return isSigned ? BigInt.asIntN(64, bits) : bits;
}

/** `null` where the device holds nothing; `undefined` where nobody can tell what the bytes mean. */
export function toValue(variant: Variant): Value | null | undefined {
  return rawToValue(toRaw(variant));
}

/** `asText`: numbers of enumerations inside become their names. */
export function rawToValue(raw: RawValue, asText = false): Value | null | undefined {
  if (raw.dataType === DataType.Null || raw.value === null || raw.value === undefined) return null;
  if (raw.dimensions.length > 0) return arrayToValue(raw, asText);
  if (raw.dataType === DataType.ExtensionObject) return structureToValue(raw, asText);
  if (raw.value instanceof Variant) return rawToValue(toRaw(raw.value), asText);
  const value = scalarToValue(raw.dataType, raw.value);
  return asText && raw.words !== undefined ? (raw.words.get(String(value)) ?? String(value)) : value;
}

function arrayToValue(raw: RawValue, asText: boolean): Value | undefined {
  const [length = 0, ...rest] = raw.dimensions;
  const stride = rest.reduce((product, size) => product * size, 1);
  const all = raw.value as ArrayLike<unknown> & { slice(from: number, to: number): unknown };
  const parts = Array.from({ length }, (_, at) => {
    const value = rest.length === 0 ? all[at] : all.slice(at * stride, (at + 1) * stride);
    return rawToValue({ ...raw, value, dimensions: rest }, asText);
  });
  return areAll(parts) ? parts : undefined;
}

function structureToValue(raw: RawValue, asText: boolean): Value | undefined {
  const structure = structureOf(raw);
  if (structure === undefined) return undefined;
  const fields: Record<string, Value | null> = {};
  for (const field of fieldsOf(structure.schema)) {
    const held = fieldValue(structure, field);
    const value = held === undefined ? undefined : rawToValue(held, asText);
    if (held !== undefined && value === undefined) return undefined;
    if (value !== undefined) fields[field.originalName] = value;
  }
  return fields;
}

function areAll(values: readonly (Value | null | undefined)[]): values is readonly (Value | null)[] {
  return !values.includes(undefined);
}

function scalarToValue(dataType: DataType, value: Variant['value']): Value | null | undefined {
  switch (dataType) {
    case DataType.Boolean:
    case DataType.SByte:
    case DataType.Byte:
    case DataType.Int16:
    case DataType.UInt16:
    case DataType.Int32:
    case DataType.UInt32:
    case DataType.Double:
    case DataType.String:
    case DataType.XmlElement:
    case DataType.Guid:
      return value;
    case DataType.Float:
      return shortestFloat32(value);
    case DataType.Int64:
      return toBigInt(value, true);
    case DataType.UInt64:
      return toBigInt(value, false);
    case DataType.DateTime:
      return dateTimeText(value);
    case DataType.ByteString:
      return Buffer.from(value).toString('base64');
    case DataType.StatusCode:
      return value.name;
    case DataType.LocalizedText:
      return value.text ?? '';
    case DataType.QualifiedName:
    case DataType.NodeId:
    case DataType.ExpandedNodeId:
      return value.toString();
    default:
      return undefined;
  }
}

function dateTimeText(value: Date): string | null {
  return Number.isNaN(value.getTime()) ? null : value.toISOString();
}
