import { AttributeIds, type ClientSession, DataType, NodeId, type Variant, VariantArrayType } from 'node-opcua-client';
import { GatewayError } from '../../../src/model/error.ts';
import type { UsableNode } from '../nodes/nodes.ts';
import { rangeOf } from '../nodes/nodes.ts';
import { toWriteError } from '../protocol/errors.ts';
import { qualityOf, statusName } from '../protocol/status-code.ts';
import { fitsRange, rangeRequest } from '../values/index-range.ts';
import type { StructureSchema } from '../values/raw-value.ts';

/** What a node holds, as a write has to know it. */
export interface NodeType {
  readonly dataType: DataType;
  /** Dimensions: 0 for a single value; `undefined` where the node takes any. */
  readonly rank: number | undefined;
  readonly structure?: StructureType;
}

export interface StructureType {
  readonly typeId: NodeId;
  readonly schema: StructureSchema;
}

/** Of the value that stands there; of the node's declaration where none does or it may not be read. */
export async function readNodeType(session: ClientSession, { nodeId, point }: UsableNode): Promise<NodeType> {
  const [value, type, rank] = await session.read([
    { nodeId, attributeId: AttributeIds.Value, ...rangeOf(point) },
    { nodeId, attributeId: AttributeIds.DataType },
    { nodeId, attributeId: AttributeIds.ValueRank },
  ]);
  const held = value !== undefined && qualityOf(value.statusCode.value) !== 'bad' ? value.value : undefined;
  const isThere = held !== undefined && held.dataType !== DataType.Null;
  const dataType = isThere ? held.dataType : await session.getBuiltInDataType(nodeId);
  const declared = Number(rank?.value.value ?? -1);
  const found = { dataType, rank: isThere ? rankOf(held) : declaredRank(declared) };
  if (dataType !== DataType.ExtensionObject) return found;
  const typeId = (isThere ? typeOf(held) : undefined) ?? (type?.value.value as unknown);
  return typeId instanceof NodeId ? { ...found, structure: await readStructureType(session, typeId) } : found;
}

function rankOf({ arrayType, dimensions }: Variant): number {
  if (arrayType === VariantArrayType.Scalar) return 0;
  return arrayType === VariantArrayType.Matrix ? (dimensions ?? []).length : 1;
}

/** Part 3 §5.6.2: −1 single, 1 and more that many dimensions, the others leave it open. */
export function declaredRank(declared: number): number | undefined {
  if (declared === -1) return 0;
  return declared > 0 ? declared : undefined;
}

/** The declared type may be an abstract one. */
function typeOf({ value }: Variant): NodeId | undefined {
  const one: unknown = Array.isArray(value) ? value[0] : value;
  if (typeof one !== 'object' || one === null || !('schema' in one)) return undefined;
  const { dataTypeNodeId } = one.schema as { readonly dataTypeNodeId?: unknown };
  return dataTypeNodeId instanceof NodeId ? dataTypeNodeId : undefined;
}

/** Rejects where the server does not say what the structure consists of. */
export async function readStructureType(session: ClientSession, typeId: NodeId): Promise<StructureType> {
  const types = await session.extractNamespaceDataType();
  const made: unknown = await types.getExtensionObjectConstructorFromDataTypeAsync(typeId);
  return { typeId, schema: (made as { readonly schema: StructureSchema }).schema };
}

const NOBODY_MAY_READ: ReadonlySet<string> = new Set(['BadNotReadable', 'BadUserAccessDenied']);

/** Such a server would put the part in place of the whole array: throws where it gives more than the part when it is asked for that. */
export async function requireRange(session: ClientSession, { nodeId, point }: UsableNode, indexRange: string): Promise<void> {
  const { statusCode, value } = await session.read({ nodeId, attributeId: AttributeIds.Value, ...rangeRequest(indexRange) });
  const status = statusName(statusCode.value);
  if (NOBODY_MAY_READ.has(status)) return;
  if (qualityOf(statusCode.value) === 'bad') throw toWriteError(status, point.id);
  if (fitsRange(value, indexRange)) return;
  const message =
    'the server does not know index ranges, and would put this in place of the whole array; write the whole array by a point without `path` and `indexRange`';
  throw new GatewayError('DEVICE_EXCEPTION', point.id, message);
}
