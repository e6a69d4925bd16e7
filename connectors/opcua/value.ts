import { DataType, type Variant, VariantArrayType } from 'node-opcua-client';
import { shortestFloat32 } from '../../src/model/float32.ts';
import type { Value } from '../../src/model/value.ts';

/** The library's 64-bit integers: high and low half. */
export function toBigInt([high, low]: readonly [number, number], isSigned: boolean): bigint {
  const bits = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  return isSigned ? BigInt.asIntN(64, bits) : bits;
}

/** `null` where the device holds nothing; `undefined` where the value is no scalar of a built-in type. */
export function toValue(variant: Variant): Value | null | undefined {
  if (variant.dataType === DataType.Null || variant.value === null || variant.value === undefined) return null;
  if (variant.arrayType !== VariantArrayType.Scalar) return undefined;
  const { value } = variant;
  switch (variant.dataType) {
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
