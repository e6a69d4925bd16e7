import { AttributeIds, type ClientSession, type DataValue, makeBrowsePath, type NodeId } from 'node-opcua-client';
import { statusNameOf } from '../protocol/errors.ts';
import { browseBelow, isProperty } from '../protocol/references.ts';
import { inChunks, readAll, type ServerLimits } from '../protocol/requests.ts';
import { qualityOf } from '../protocol/status-code.ts';

/** Values of the standard's properties of one node, as far as it has them. */
export type Properties<Name extends string> = Readonly<Partial<Record<Name, unknown>>>;

/** Looks for properties of namespace 0, such as `EURange`, below each node, and reads those that are there. */
export async function readProperties<Name extends string>(
  session: ClientSession,
  nodes: readonly NodeId[],
  names: readonly Name[],
  limits: ServerLimits,
): Promise<readonly Properties<Name>[]> {
  const found = await findProperties(session, nodes, names, limits).catch((error) => {
    if (statusNameOf(error) !== 'BadServiceUnsupported') throw error;
    return browseProperties(session, nodes, names, limits);
  });
  const values = await readAll(
    session,
    found.map(({ nodeId }) => ({ nodeId, attributeId: AttributeIds.Value })),
    limits,
  );
  const properties = nodes.map((): Partial<Record<Name, unknown>> => ({}));
  found.forEach(({ at, name }, index) => {
    const of = properties[at];
    if (of !== undefined) of[name] = goodValue(values[index]);
  });
  return properties;
}

interface FoundProperty<Name> {
  /** Of the node that has it. */
  readonly at: number;
  readonly name: Name;
  readonly nodeId: NodeId;
}

async function findProperties<Name extends string>(
  session: ClientSession,
  nodes: readonly NodeId[],
  names: readonly Name[],
  limits: ServerLimits,
): Promise<readonly FoundProperty<Name>[]> {
  const wanted = nodes.flatMap((nodeId, at) => names.map((name) => ({ at, name, path: makeBrowsePath(nodeId, `.${name}`) })));
  const results = await inChunks(wanted, limits.nodesPerTranslate, (chunk) =>
    session.translateBrowsePath(chunk.map(({ path }) => path)),
  );
  return wanted.flatMap(({ at, name }, index) => {
    const nodeId = results[index]?.targets?.[0]?.targetId;
    return nodeId === undefined ? [] : [{ at, name, nodeId }];
  });
}

/** Where the server does not translate paths. */
async function browseProperties<Name extends string>(
  session: ClientSession,
  nodes: readonly NodeId[],
  names: readonly Name[],
  limits: ServerLimits,
): Promise<readonly FoundProperty<Name>[]> {
  const below = await browseBelow(session, nodes, limits);
  return below.flatMap((references, at) =>
    references.filter(isProperty).flatMap(({ browseName, nodeId }) => {
      const name = names.find((one) => one === browseName.name);
      return name === undefined ? [] : [{ at, name, nodeId }];
    }),
  );
}

function goodValue(dataValue: DataValue | undefined): unknown {
  return dataValue === undefined || qualityOf(dataValue.statusCode.value) === 'bad' ? undefined : dataValue.value.value;
}
