import { AttributeIds, type ClientSession, type DataValue, NodeId, type ReadValueIdOptions } from 'node-opcua-client';
import type { Point } from '../../../src/model/point.ts';
import type { NodeAddress } from '../mapping/node-address.ts';
import type { OpcuaPoint } from '../mapping/settings.ts';
import { inChunks, PIPELINED, type ServerFacts } from '../protocol/requests.ts';
import { qualityOf, statusName } from '../protocol/status-code.ts';
import { rangeRequest } from '../values/index-range.ts';
import type { Words } from '../values/raw-value.ts';
import type { ReadablePoint } from '../values/reading.ts';
import { learnTypes, noteCustomTypes } from '../values/type-descriptions.ts';
import { readWords } from '../values/words.ts';
import type { Fingerprints } from './fingerprints.ts';

/** Where a point was found in this session; `problem` is the status name of why it cannot be used. */
export type FoundNode =
  | (ReadablePoint & { readonly nodeId: NodeId; readonly problem?: undefined })
  | { readonly point: Point<OpcuaPoint>; readonly problem: string };

export type UsableNode = Extract<FoundNode, { problem?: undefined }>;

/** The node is another one than when the gateway started: its values would go to the wrong point. */
export const CHANGED = 'BadNodeIdInvalid';
const UNKNOWN = 'BadNodeIdUnknown';

/** The library's `NodeIdType`. */
const NODE_ID_TYPES = { numeric: 1, string: 2, guid: 3, opaque: 4 } as const;

/** `undefined` where the server has no such namespace. Indices are not stable, so this is done anew in each session (Part 6 §5.3.1.11). */
export function resolveNodeId(address: NodeAddress, namespaces: readonly string[]): NodeId | undefined {
  const index = indexOf(address, namespaces);
  return index < 0 ? undefined : toNodeId(address, index);
}

function indexOf({ namespace }: NodeAddress, namespaces: readonly string[]): number {
  return typeof namespace === 'number' ? namespace : namespaces.indexOf(namespace);
}

function toNodeId({ identifier }: NodeAddress, index: number): NodeId {
  const value = identifier.kind === 'opaque' ? Buffer.from(identifier.value, 'base64') : identifier.value;
  return new NodeId(NODE_ID_TYPES[identifier.kind], value, index);
}

/** There are a hundred thousand of them, and seldom somebody who asks for one: the library's node id is made anew each time. */
class NodeInNamespace {
  readonly point: Point<OpcuaPoint>;
  readonly #index: number;

  constructor(point: Point<OpcuaPoint>, index: number) {
    this.point = point;
    this.#index = index;
  }

  get nodeId(): NodeId {
    return toNodeId(this.point.address.address, this.#index);
  }
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
  const found = points.map((point) => resolve(point, namespaces));
  const types = new Map<string, NodeId>();
  const look = async (chunk: readonly UsableNode[]) => {
    const answers = await session.read(chunk.flatMap(requestsOf), 0);
    noteCustomTypes(answers, types);
    return chunk.map((node, at) => verify(node, [answers[2 * at], answers[2 * at + 1]], namespaces, fingerprints));
  };
  const verified = await inChunks(usableOf(found), Math.max(1, Math.floor(limits.nodesPerRead / 2)), look, PIPELINED);
  await learnTypes(session, [...types.values()], limits);
  const words = await readWords(session, usableOf(verified).filter(wantsWords), limits);
  const next = verified.values();
  return found.map((node) => withWords(node.problem === undefined ? (next.next().value ?? node) : node, words));
}

function resolve(point: Point<OpcuaPoint>, namespaces: readonly string[]): FoundNode {
  const { address, problem } = point.address;
  const index = problem === undefined ? indexOf(address, namespaces) : -1;
  return index < 0 ? { point, problem: problem ?? UNKNOWN } : new NodeInNamespace(point, index);
}

function requestsOf({ nodeId }: UsableNode): readonly ReadValueIdOptions[] {
  return [
    { nodeId, attributeId: AttributeIds.BrowseName },
    { nodeId, attributeId: AttributeIds.DataType },
  ];
}

function usableOf(nodes: readonly FoundNode[]): readonly UsableNode[] {
  return nodes.filter((node) => node.problem === undefined);
}

/** Fields of structures bring their words along. */
function wantsWords({ point: { address } }: ReadablePoint): boolean {
  return address.enumeration === 'text' && !(address.path ?? []).some((step) => typeof step === 'string');
}

function withWords(node: FoundNode, known: ReadonlyMap<string, Words>): FoundNode {
  if (node.problem !== undefined || known.size === 0) return node;
  const { point, nodeId } = node;
  const words = known.get(nodeId.toString());
  return words === undefined ? node : { point, nodeId, words };
}

function verify(
  node: UsableNode,
  [browseName, dataType]: readonly [DataValue | undefined, DataValue | undefined],
  namespaces: readonly string[],
  fingerprints: Fingerprints,
): FoundNode {
  const { point } = node;
  if (browseName === undefined || dataType === undefined) return { point, problem: UNKNOWN };
  // An object has a browse name, but only a variable has a data type.
  const refused = [browseName, dataType].find(({ statusCode }) => qualityOf(statusCode.value) === 'bad');
  if (refused !== undefined) return { point, problem: statusName(refused.statusCode.value) };
  return fingerprints.isSame(point, browseName, dataType, namespaces) ? node : { point, problem: CHANGED };
}
