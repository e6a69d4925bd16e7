import {
  BrowseDirection,
  type BrowseResult,
  type ClientSession,
  type NodeId,
  type ReferenceDescription,
} from 'node-opcua-client';
import { inChunks, type ServerLimits } from './requests.ts';
import { statusName } from './status-code.ts';

/** Objects, variables and methods (Part 3 §8.29). */
const NODE_CLASSES = 1 | 2 | 4;
const EVERYTHING = 63;
/** OPC UA Part 6, NodeIds.csv. */
const HAS_PROPERTY = 46;
/** More in one answer makes long pauses in small servers. */
const MAX_REFERENCES = 1_000;

/** It describes the node above it. */
export function isProperty({ referenceTypeId }: ReferenceDescription): boolean {
  return referenceTypeId.namespace === 0 && referenceTypeId.value === HAS_PROPERTY;
}

/** What lies below each of the nodes, in the same order; one request at a time, each of a size that the server takes. */
export async function browseBelow(
  session: ClientSession,
  nodes: readonly NodeId[],
  limits: ServerLimits,
): Promise<readonly (readonly ReferenceDescription[])[]> {
  session.requestedMaxReferencesPerNode = MAX_REFERENCES;
  const results = await inChunks(nodes, limits.nodesPerBrowse, (chunk) => browseChunk(session, chunk));
  return results;
}

async function browseChunk(
  session: ClientSession,
  nodes: readonly NodeId[],
): Promise<readonly (readonly ReferenceDescription[])[]> {
  const results = await session.browse(nodes.map(describeBrowse));
  const all: (readonly ReferenceDescription[])[] = [];
  for (const [at, result] of results.entries()) {
    const nodeId = nodes[at];
    // The server had no room to remember where it stopped (Part 4 §5.8.2): it has again when the others were read to their end.
    const isFull = statusName(result.statusCode.value) === 'BadNoContinuationPoints' && nodes.length > 1 && nodeId !== undefined;
    all.push(isFull ? [] : await drain(session, result));
  }
  for (const [at, result] of results.entries()) {
    const nodeId = nodes[at];
    if (statusName(result.statusCode.value) !== 'BadNoContinuationPoints' || nodeId === undefined || nodes.length === 1) continue;
    const [again] = await browseChunk(session, [nodeId]);
    all[at] = again ?? [];
  }
  return all;
}

/** The rest of what did not fit into one answer. */
async function drain(session: ClientSession, first: BrowseResult): Promise<readonly ReferenceDescription[]> {
  const references = [...(first.references ?? [])];
  let { continuationPoint } = first;
  while (continuationPoint !== null && continuationPoint !== undefined && continuationPoint.length > 0) {
    const next = await session.browseNext(continuationPoint, false);
    for (const reference of next.references ?? []) references.push(reference);
    ({ continuationPoint } = next);
  }
  return references;
}

function describeBrowse(nodeId: NodeId) {
  return {
    nodeId,
    browseDirection: BrowseDirection.Forward,
    referenceTypeId: 'HierarchicalReferences',
    includeSubtypes: true,
    nodeClassMask: NODE_CLASSES,
    resultMask: EVERYTHING,
  };
}
