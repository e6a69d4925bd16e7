import { AttributeIds, type ClientSession, DataType, VariantArrayType } from 'node-opcua-client';
import { GatewayError } from '../../src/model/error.ts';
import type { Value } from '../../src/model/value.ts';
import type { WriteResult } from '../../src/southbound/connector.ts';
import { statusNameOf, toLinkError, toWriteError } from './errors.ts';
import type { UsableNode } from './monitored-item.ts';
import { qualityOf, statusName } from './status-code.ts';
import { toVariant } from './variant.ts';

/** By point id: what the nodes hold, asked once per session. */
export type DataTypes = Map<string, DataType>;

/** Writes one value in exactly the type that the node holds; servers refuse any other. */
export async function writeNode(
  session: ClientSession,
  node: UsableNode,
  value: Value,
  dataTypes: DataTypes,
): Promise<WriteResult> {
  const subject = node.point.id;
  try {
    const dataType = dataTypes.get(subject) ?? (await readDataType(session, node));
    dataTypes.set(subject, dataType);
    const status = await session.write({
      nodeId: node.nodeId,
      attributeId: AttributeIds.Value,
      value: { value: toVariant(value, dataType, subject) },
    });
    if (qualityOf(status.value) !== 'bad') return { written: true };
    return { written: false, error: toWriteError(statusName(status.value), subject) };
  } catch (error) {
    return { written: false, error: toRefusal(error, subject) };
  }
}

function toRefusal(error: unknown, subject: string): GatewayError {
  if (error instanceof GatewayError) return error;
  const status = statusNameOf(error);
  return status === undefined ? toLinkError(error, subject, 'writing') : toWriteError(status, subject);
}

/** Of the value that stands there; of the node's declaration where none does or it may not be read. */
async function readDataType(session: ClientSession, { nodeId, point }: UsableNode): Promise<DataType> {
  const { value, statusCode } = await session.read({ nodeId, attributeId: AttributeIds.Value });
  if (qualityOf(statusCode.value) === 'bad' || value.dataType === DataType.Null) return session.getBuiltInDataType(nodeId);
  if (value.arrayType === VariantArrayType.Scalar) return value.dataType;
  throw new GatewayError('VALUE_TYPE', point.id, 'the node holds an array; only single values can be written');
}
