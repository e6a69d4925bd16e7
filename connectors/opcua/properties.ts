import { AttributeIds, type ClientSession, type DataValue, makeBrowsePath, type NodeId } from 'node-opcua-client';
import { inChunks, readAll, type ServerLimits } from './requests.ts';
import { qualityOf } from './status-code.ts';

/** Values of the standard's properties of one node, as far as it has them. */
export type Properties<Name extends string> = Readonly<Partial<Record<Name, unknown>>>;

/** Looks for properties of namespace 0, such as `EURange`, below each node, and reads those that are there. */
export async function readProperties<Name extends string>(
  session: ClientSession,
  nodes: readonly NodeId[],
  names: readonly Name[],
  limits: ServerLimits,
): Promise<readonly Properties<Name>[]> {
  const wanted = nodes.flatMap((nodeId, at) => names.map((name) => ({ at, name, path: makeBrowsePath(nodeId, `.${name}`) })));
  const results = await inChunks(wanted, limits.nodesPerTranslate, (chunk) =>
    session.translateBrowsePath(chunk.map(({ path }) => path)),
  );
  const found = wanted.flatMap(({ at, name }, index) => {
    const nodeId = results[index]?.targets?.[0]?.targetId;
    return nodeId === undefined ? [] : [{ at, name, nodeId }];
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

function goodValue(dataValue: DataValue | undefined): unknown {
  return dataValue === undefined || qualityOf(dataValue.statusCode.value) === 'bad' ? undefined : dataValue.value.value;
}
