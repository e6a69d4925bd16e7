import { AttributeIds, type ClientSession, type DataValue, NodeId, type ReadValueIdOptions } from 'node-opcua-client';
import type { Point } from '../../src/model/point.ts';
import { rangeRequest } from './index-range.ts';
import type { NodeAddress } from './node-address.ts';
import type { Words } from './raw-value.ts';
import type { ReadablePoint } from './reading.ts';
import { inChunks, PIPELINED, type ServerFacts } from './requests.ts';
import type { OpcuaPoint } from './settings.ts';
import { qualityOf, statusName } from './status-code.ts';
import { learnTypes, noteCustomTypes } from './type-descriptions.ts';
import { readWords } from './words.ts';

/** Where a point was found in this session; `problem` is the status name of why it cannot be used. */
export type FoundNode =
  | (ReadablePoint & { readonly nodeId: NodeId; readonly problem?: undefined })
  | { readonly point: Point<OpcuaPoint>; readonly problem: string };

/** Browse name and data type by point id, as first seen; outlives the sessions. */
export type Fingerprints = Map<string, string>;

/** The node is another one than when the gateway started: its values would go to the wrong point. */
export const CHANGED = 'BadNodeIdInvalid';
const UNKNOWN = 'BadNodeIdUnknown';

/** The library's `NodeIdType`. */
const NODE_ID_TYPES = { numeric: 1, string: 2, guid: 3, opaque: 4 } as const;

/** `undefined` where the server has no such namespace. Indices are not stable, so this is done anew in each session (Part 6 §5.3.1.11). */
export function resolveNodeId({ namespace, identifier }: NodeAddress, namespaces: readonly string[]): NodeId | undefined {
  const index = typeof namespace === 'number' ? namespace : namespaces.indexOf(namespace);
  if (index < 0) return undefined;
  const value = identifier.kind === 'opaque' ? Buffer.from(identifier.value, 'base64') : identifier.value;
  return new NodeId(NODE_ID_TYPES[identifier.kind], value, index);
}

/** What to ask for to get the value of the point, or the value that it lies in. */
export function valueRequest({ nodeId, point }: ReadablePoint & { readonly nodeId: NodeId }): ReadValueIdOptions {
  return { nodeId, attributeId: AttributeIds.Value, ...rangeOf(point) };
}

export function rangeOf({ address: { indexRange } }: Point<OpcuaPoint>): Pick<ReadValueIdOptions, 'indexRange'> {
  return indexRange === undefined ? {} : rangeRequest(indexRange);
}

/** Finds the nodes of the points and makes sure that each is still the node it was. */
export async function findNodes(
  session: ClientSession,
  points: readonly Point<OpcuaPoint>[],
  { namespaces, limits }: ServerFacts,
  fingerprints: Fingerprints,
): Promise<FoundNode[]> {
  const resolved = points.map((point) => ({
    point,
    nodeId: point.address.problem === undefined ? resolveNodeId(point.address.address, namespaces) : undefined,
  }));
  const known = resolved.filter((node): node is KnownNode => node.nodeId !== undefined);
  const types = new Map<string, NodeId>();
  const look = async (chunk: readonly KnownNode[]) => {
    const answers = await session.read(chunk.flatMap(requestsOf), 0);
    noteCustomTypes(answers, types);
    return chunk.map((node, at) => verify(node, [answers[2 * at], answers[2 * at + 1]], namespaces, fingerprints));
  };
  const verified = await inChunks(known, Math.max(1, Math.floor(limits.nodesPerRead / 2)), look, PIPELINED);
  await learnTypes(session, [...types.values()], limits);
  const found = new Map(verified.map((node) => [node.point.id, node]));
  const words = await readWords(session, usableOf(verified).filter(wantsWords), limits);
  return resolved.map(({ point }) =>
    withWords(found.get(point.id) ?? { point, problem: point.address.problem ?? UNKNOWN }, words),
  );
}

interface KnownNode {
  readonly point: Point<OpcuaPoint>;
  readonly nodeId: NodeId;
}

function requestsOf({ nodeId }: KnownNode): readonly ReadValueIdOptions[] {
  return [
    { nodeId, attributeId: AttributeIds.BrowseName },
    { nodeId, attributeId: AttributeIds.DataType },
  ];
}

function usableOf(nodes: readonly FoundNode[]): readonly Extract<FoundNode, { problem?: undefined }>[] {
  return nodes.filter((node) => node.problem === undefined);
}

/** Fields of structures bring their words along. */
function wantsWords({ point: { address } }: ReadablePoint): boolean {
  return address.enumeration === 'text' && !(address.path ?? []).some((step) => typeof step === 'string');
}

function withWords(node: FoundNode, known: ReadonlyMap<string, Words>): FoundNode {
  if (node.problem !== undefined) return node;
  const words = known.get(node.nodeId.toString());
  return words === undefined ? node : { ...node, words };
}

function verify(
  { point, nodeId }: KnownNode,
  [browseName, dataType]: readonly [DataValue | undefined, DataValue | undefined],
  namespaces: readonly string[],
  fingerprints: Fingerprints,
): FoundNode {
  if (browseName === undefined || dataType === undefined) return { point, problem: UNKNOWN };
  // An object has a browse name, but only a variable has a data type.
  const refused = [browseName, dataType].find(({ statusCode }) => qualityOf(statusCode.value) === 'bad');
  if (refused !== undefined) return { point, problem: statusName(refused.statusCode.value) };
  const fingerprint = fingerprintOf(browseName, dataType, namespaces);
  const first = fingerprints.get(point.id) ?? fingerprint;
  fingerprints.set(point.id, first);
  return first === fingerprint ? { point, nodeId } : { point, problem: CHANGED };
}

/** In URIs, so that it stays the same when only the indices move. One flat text: there is one for each point. */
function fingerprintOf(browseName: DataValue, dataType: DataValue, namespaces: readonly string[]): string {
  const name: unknown = browseName.value.value;
  const type: unknown = dataType.value.value;
  return [...typeText(type, namespaces), ...qualifiedText(name, namespaces)].join('\n');
}

function qualifiedText(name: unknown, namespaces: readonly string[]): readonly unknown[] {
  if (typeof name !== 'object' || name === null || !('name' in name) || !('namespaceIndex' in name)) return [];
  return [namespaces[Number(name.namespaceIndex)], name.name];
}

function typeText(type: unknown, namespaces: readonly string[]): readonly unknown[] {
  return type instanceof NodeId ? [namespaces[type.namespace], String(type.value)] : [];
}
