import { AttributeIds, type ClientSession, type DataValueOptions, StatusCodes, type WriteValueOptions } from 'node-opcua-client';
import { GatewayError } from '../../../src/model/error.ts';
import type { Value } from '../../../src/model/value.ts';
import type { WriteResult } from '../../../src/southbound/connector.ts';
import type { UsableNode } from '../nodes/nodes.ts';
import { rangeOf } from '../nodes/nodes.ts';
import { statusNameOf, toLinkError, toWriteError } from '../protocol/errors.ts';
import { qualityOf, statusName } from '../protocol/status-code.ts';
import { type NodeType, readNodeType, requireRange } from './node-type.ts';
import { toWrittenStructure } from './structure-rewrite.ts';
import { toWrittenValue, writtenRange } from './written-value.ts';

/** By point id: what the nodes hold, asked once per session, and again after a value of another type was refused. */
export type DataTypes = Map<string, NodeType>;

/** Part 4 §5.11.4.4: the server takes the value but not the status or the time with it. */
const TAKES_NO_STAMP = 'BadWriteNotSupported';

/** Writes one value in exactly the type that the node holds; servers refuse any other. */
export async function writeNode(
  session: ClientSession,
  node: UsableNode,
  value: Value,
  dataTypes: DataTypes,
): Promise<WriteResult> {
  const subject = node.point.id;
  try {
    const type = dataTypes.get(subject) ?? (await look(session, node));
    dataTypes.set(subject, type);
    const status = await send(session, node, await toRequest(session, node, type, value));
    if (qualityOf(status.value) !== 'bad') return { written: true };
    throw toWriteError(statusName(status.value), subject);
  } catch (error) {
    const refusal = toRefusal(error, subject);
    // The node may have been without a value when it was looked at, or hold something else by now.
    if (refusal.code === 'VALUE_TYPE') dataTypes.delete(subject);
    return { written: false, error: refusal };
  }
}

/** What the node holds; rejects where writing a part of it would destroy the rest. */
async function look(session: ClientSession, node: UsableNode): Promise<NodeType> {
  const range = hasField(node) ? undefined : writtenRange(node.point);
  if (range !== undefined) await requireRange(session, node, range);
  return readNodeType(session, node);
}

function hasField({ point: { address } }: UsableNode): boolean {
  return address.path?.some((step) => typeof step === 'string') === true;
}

type Wanted = Pick<WriteValueOptions, 'indexRange'> & { readonly value: NonNullable<DataValueOptions['value']> };

/** A field of a structure cannot be written alone: the whole structure is read and written back. */
async function toRequest(session: ClientSession, node: UsableNode, type: NodeType, value: Value): Promise<Wanted> {
  return hasField(node)
    ? { value: await toWrittenStructure(session, node, value) }
    : await toWrittenValue(session, node, type, value);
}

async function send(session: ClientSession, { nodeId, point }: UsableNode, { value, ...range }: Wanted) {
  const write = (dataValue: DataValueOptions) =>
    session.write({ nodeId, attributeId: AttributeIds.Value, ...rangeOf(point), ...range, value: dataValue });
  if (!point.address.stampWrites) return write({ value });
  const stamped = await write({ value, statusCode: StatusCodes.Good, sourceTimestamp: new Date() });
  return statusName(stamped.value) === TAKES_NO_STAMP ? write({ value }) : stamped;
}

function toRefusal(error: unknown, subject: string): GatewayError {
  if (error instanceof GatewayError) return error;
  const status = statusNameOf(error);
  return status === undefined ? toLinkError(error, subject, 'writing') : toWriteError(status, subject);
}
