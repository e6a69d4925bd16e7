import { type ClientSession, makeNodeId, NodeClass, type NodeId, type ReferenceDescription } from 'node-opcua-client';
import type { BrowsedNode } from '../../../src/southbound/browse-tool.ts';
import { nodeText } from '../mapping/node-text.ts';
import { readVariables } from '../nodes/variable-facts.ts';
import { browseBelow, isProperty } from '../protocol/references.ts';
import type { ServerFacts } from '../protocol/requests.ts';

export interface WalkOptions {
  readonly session: ClientSession;
  readonly facts: ServerFacts;
  readonly start: NodeId;
  /** Levels below the start. */
  readonly depth: number;
}

/** OPC UA Part 6, NodeIds.csv. */
export const OBJECTS_FOLDER = 85;
const SERVER_OBJECT = 2253;
/** Siblings that are looked at together. */
const PORTION = 500;

interface Place {
  readonly reference: ReferenceDescription;
  readonly depth: number;
  readonly path: readonly string[];
}

/**
 * The nodes below the start in the order of the tree, each once, however many ways lead to it. Siblings are asked for together; only
 * the references of the folders on the way are held, so that a server may be as large as it likes.
 */
export async function* walk(options: WalkOptions): AsyncGenerator<BrowsedNode> {
  const { session, facts, start } = options;
  const seen = new Set([start.toString()]);
  if (start.namespace === 0 && start.value === OBJECTS_FOLDER) seen.add(makeNodeId(SERVER_OBJECT).toString());
  const [top = []] = await browseBelow(session, [start], facts.limits);
  yield* descend(components(top), 0, [], seen, options);
}

async function* descend(
  references: readonly ReferenceDescription[],
  depth: number,
  parents: readonly string[],
  seen: Set<string>,
  options: WalkOptions,
): AsyncGenerator<BrowsedNode> {
  const { session, facts } = options;
  for (let from = 0; from < references.length; from += PORTION) {
    const fresh = references.slice(from, from + PORTION).filter(({ nodeId }) => isFirst(nodeId, seen));
    const below = await browseBelow(
      session,
      fresh.map(({ nodeId }) => nodeId),
      facts.limits,
    );
    const places = fresh.map((reference): Place => ({ reference, depth, path: [...parents, reference.browseName.name ?? ''] }));
    const described = await describe(places, below, options);
    for (const [at, node] of described.entries()) {
      yield node;
      if (depth + 1 >= options.depth) continue;
      yield* descend(components(below[at] ?? []), depth + 1, node.path, seen, options);
    }
  }
}

function isFirst(nodeId: NodeId, seen: Set<string>): boolean {
  const text = nodeId.toString();
  if (seen.has(text)) return false;
  seen.add(text);
  return true;
}

/** Properties describe a node; they are no points of their own. */
function components(references: readonly ReferenceDescription[]): readonly ReferenceDescription[] {
  return references.filter((reference) => !isProperty(reference));
}

async function describe(
  places: readonly Place[],
  below: readonly (readonly ReferenceDescription[])[],
  { session, facts }: WalkOptions,
): Promise<readonly BrowsedNode[]> {
  const variables = places.flatMap(({ reference }, at) =>
    reference.nodeClass === NodeClass.Variable
      ? [{ nodeId: reference.nodeId, properties: (below[at] ?? []).filter(isProperty) }]
      : [],
  );
  const known = await readVariables(session, variables, facts);
  return places.map(({ reference, depth, path }): BrowsedNode => {
    const address = nodeText(reference.nodeId, facts.namespaces);
    const common = { depth, path, name: reference.browseName.name ?? '', address };
    if (reference.nodeClass === NodeClass.Method) return { ...common, kind: 'method' };
    const variable = known.get(reference.nodeId.toString());
    return variable === undefined ? { ...common, kind: 'object' } : { ...common, kind: 'variable', ...variable };
  });
}
