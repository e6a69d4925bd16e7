import { createHash } from 'node:crypto';
import type { DataType } from '../../model/data-type.ts';
import type { PointDescription, ValueType } from '../../model/point-description.ts';
import type { JsonObject } from './envelope.ts';

/** OPC UA Part 6, table 1: the number of a built-in type, which is also its node id. Bytes travel as base64, integers of 48 bits as wider ones. */
const BUILT_IN_TYPES: Readonly<Record<DataType, number>> = {
  boolean: 1,
  int8: 2,
  uint8: 3,
  int16: 4,
  uint16: 5,
  int32: 6,
  uint32: 7,
  int48: 8,
  uint48: 9,
  int64: 8,
  uint64: 9,
  float16: 10,
  float32: 10,
  float64: 11,
  string: 12,
  dateTime: 13,
  guid: 14,
  bytes: 15,
};
const VARIANT = 24;
/** Part 3 §5.6.2: the rank of a value that is a list, that is none, and that may be anything. */
const RANK = { list: 1, scalar: -1, any: -2 } as const;

/** FieldMetaData (Part 14 §6.2.3.2.4) of a point. */
export function fieldMetaData(twin: string, point: PointDescription): JsonObject {
  const { name, description, type } = point;
  const builtIn = builtInTypeOf(type);
  return {
    Name: name,
    ...(description === undefined ? {} : { Description: { Text: description } }),
    BuiltInType: builtIn,
    DataType: `i=${builtIn}`,
    ValueRank: rankOf(type),
    DataSetFieldId: fieldId(`${twin}/${name}`),
    Properties: [...unitProperty(point), ...rangeProperty(point)],
  };
}

function builtInTypeOf(type: ValueType | undefined): number {
  if (typeof type === 'string') return BUILT_IN_TYPES[type];
  return type !== undefined && 'element' in type && typeof type.element === 'string' ? BUILT_IN_TYPES[type.element] : VARIANT;
}

function rankOf(type: ValueType | undefined): number {
  if (type === undefined) return RANK.any;
  return typeof type === 'object' && 'element' in type ? RANK.list : RANK.scalar;
}

/** EUInformation (Part 8 §5.6.4.3); the unit is named as in the mapping, whose names have no numbers. */
function unitProperty({ unit }: PointDescription): readonly JsonObject[] {
  if (unit === undefined) return [];
  const information = { UaTypeId: 'i=887', NamespaceUri: '', UnitId: -1, DisplayName: { Text: unit } };
  return [{ Key: 'EngineeringUnits', Value: { UaType: 22, Value: information } }];
}

/** Range (Part 8 §5.6.2) as EURange, which has both ends. */
function rangeProperty({ min, max }: PointDescription): readonly JsonObject[] {
  if (min === undefined || max === undefined) return [];
  return [{ Key: 'EURange', Value: { UaType: 22, Value: { UaTypeId: 'i=884', Low: min, High: max } } }];
}

/** A Guid that is always the same for the same name (RFC 9562 §5.5 of its SHA-1). */
function fieldId(name: string): string {
  const bytes = createHash('sha1').update(name).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
