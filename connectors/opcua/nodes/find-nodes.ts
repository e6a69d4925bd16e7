import { type ClientSession, makeNodeId, NodeClass, type NodeId, type ReferenceDescription } from 'node-opcua-client';
import { isWild, matcherOf, type NodePattern, stepsOf } from '../mapping/node-pattern.ts';
import { browseBelow, isProperty } from '../protocol/references.ts';
import type { ServerFacts } from '../protocol/requests.ts';

export interface PatternMatch {
  readonly nodeId: NodeId;
  /** Names of the nodes from Objects down. */
  readonly path: readonly string[];
}

/** Points of one pattern, and places that are looked at on the way to them. */
export const MAX_MATCHES = 10_000;
/** OPC UA Part 6, NodeIds.csv. */
const ROOT_FOLDER = 84;
const SERVER_OBJECT = 2253;

/** The variables that a pattern stands for now; `undefined` where they are more than `MAX_MATCHES`. Level by level, each in few requests. */
export async function findMatches(
  session: ClientSession,
  { limits }: ServerFacts,
  pattern: NodePattern,
): Promise<readonly PatternMatch[] | undefined> {
  const steps = stepsOf(pattern);
  let places: readonly PatternMatch[] = [{ nodeId: makeNodeId(ROOT_FOLDER), path: [] }];
  for (const [at, step] of steps.entries()) {
    const below = await browseBelow(
      session,
      places.map(({ nodeId }) => nodeId),
      limits,
    );
    const isLast = at === steps.length - 1;
    const isMeant = meaning(step);
    const next = new Map<string, PatternMatch>();
    for (const [index, { path }] of places.entries()) {
      for (const reference of below[index] ?? []) {
        if (!isMeant(reference) || (isLast && reference.nodeClass !== NodeClass.Variable)) continue;
        const match = { nodeId: reference.nodeId, path: [...path, reference.browseName.name ?? ''] };
        // More than one reference may lead to a node.
        next.set(JSON.stringify([match.nodeId.toString(), match.path]), match);
      }
    }
    if (next.size > MAX_MATCHES) return undefined;
    places = [...next.values()];
  }
  return places;
}

/** Properties and what the server tells of itself are meant only where they are named. */
function meaning(step: string): (reference: ReferenceDescription) => boolean {
  const matches = matcherOf(step);
  if (!isWild(step)) return ({ browseName }) => matches(browseName.name ?? '');
  return (reference) => !isProperty(reference) && !isServer(reference.nodeId) && matches(reference.browseName.name ?? '');
}

function isServer({ namespace, value }: NodeId): boolean {
  return namespace === 0 && value === SERVER_OBJECT;
}
