import { type ClientSession, DataType, VariantArrayType, type VariantOptions, type WriteValueOptions } from 'node-opcua-client';
import { GatewayError } from '../../../src/model/error.ts';
import { isArray, type Value } from '../../../src/model/value.ts';
import type { UsableNode } from '../nodes/nodes.ts';
import { toFields } from '../values/structure-value.ts';
import { arrayOf, elementsOf, shapeOf, toVariant } from '../values/variant.ts';
import { numberOf } from '../values/words.ts';
import type { NodeType, StructureType } from './node-type.ts';

export interface WrittenValue extends Pick<WriteValueOptions, 'indexRange'> {
  readonly value: VariantOptions;
}

/** The part of an array that a write changes; `undefined`: all of the value. */
export function writtenRange({ address: { path, indexRange } }: UsableNode['point']): string | undefined {
  return path === undefined ? indexRange : path.join(',');
}

/** The value as a write request carries it; of an element the server changes only that (`indexRange`). Throws VALUE_TYPE or VALUE_OUT_OF_RANGE. */
export async function toWrittenValue(
  session: ClientSession,
  node: UsableNode,
  type: NodeType,
  value: Value,
): Promise<WrittenValue> {
  const { point } = node;
  const path = point.address.path ?? [];
  if (path.length > 0 && path.length !== type.rank) {
    const hint = `the node holds an array of ${type.rank ?? 'unknown'} dimensions; \`path\` has to name a single element of it`;
    throw new GatewayError('VALUE_TYPE', point.id, hint);
  }
  const given = path.reduceRight<Value>((element) => [element], toNumbers(value, node));
  const shape = shapeOf(given, point.id);
  if (type.rank !== undefined && type.rank !== shape.length) throw wrongRank(point.id, type.rank, shape.length);
  const { structure, dataType } = type;
  const encoded =
    structure === undefined ? toVariant(given, dataType, point.id) : await toStructures(session, given, structure, point.id);
  return path.length === 0 ? { value: encoded } : { value: encoded, indexRange: path.join(',') as never };
}

function wrongRank(subject: string, expected: number, got: number): GatewayError {
  const names = ['a single value', 'an array', 'an array of 2 dimensions'];
  const nameOf = (rank: number) => names[rank] ?? `an array of ${rank} dimensions`;
  return new GatewayError('VALUE_TYPE', subject, `the node holds ${nameOf(expected)}; got ${nameOf(got)}`);
}

/** Texts of an enumeration back to the numbers they stand for. */
function toNumbers(value: Value, node: UsableNode): Value {
  const { words, point } = node;
  if (words === undefined) return value;
  if (isArray(value)) return value.map((part) => (part === null ? null : toNumbers(part, node)));
  return typeof value === 'string' ? numberOf(words, value, point.id) : value;
}

/** An object with the fields of the structure, or a list of them; throws VALUE_TYPE or VALUE_OUT_OF_RANGE. */
export async function toStructures(
  session: ClientSession,
  value: Value,
  { typeId, schema }: StructureType,
  subject: string,
): Promise<VariantOptions> {
  const shape = shapeOf(value, subject);
  const built = await Promise.all(
    elementsOf(value, shape.length).map((one) => session.constructExtensionObject(typeId, { ...toFields(one, schema, subject) })),
  );
  if (shape.length > 0) return arrayOf(DataType.ExtensionObject, built, shape);
  return { dataType: DataType.ExtensionObject, arrayType: VariantArrayType.Scalar, value: built[0] };
}
