import { AttributeIds, type ClientSession, type DataValue, NodeId } from 'node-opcua-client';
import { readAll, type ServerFacts, type ServerLimits } from '../protocol/requests.ts';
import { qualityOf } from '../protocol/status-code.ts';

/** Of what was read, the data types that are not of the standard, by their text. */
export function noteCustomTypes(read: readonly DataValue[], types: Map<string, NodeId>): void {
  for (const { value } of read) {
    const type: unknown = value.value;
    if (type instanceof NodeId && type.namespace > 0) types.set(type.toString(), type);
  }
}

/**
 * Asks what the structures of the server consist of, before values of them come: it may take hundreds of requests, and would hold
 * up the publishing. Without structures nothing is asked; a server that describes them badly is no reason not to read the rest.
 */
export async function learnTypes(session: ClientSession, custom: readonly NodeId[], limits: ServerLimits): Promise<void> {
  const definitions = await readAll(
    session,
    custom.map((nodeId) => ({ nodeId, attributeId: AttributeIds.DataTypeDefinition })),
    limits,
  );
  if (definitions.some(mayBeStructure)) await session.extractNamespaceDataType().catch(() => {});
}

/** Older servers (before 1.04) define nothing here; they have dictionaries instead. */
function mayBeStructure({ statusCode, value }: DataValue): boolean {
  const definition: unknown = value.value;
  if (qualityOf(statusCode.value) === 'bad') return true;
  return typeof definition === 'object' && definition !== null && 'structureType' in definition;
}

type DataTypeManager = Awaited<ReturnType<ClientSession['extractNamespaceDataType']>>;

/** Where the library keeps with a session what it has learnt; asking it for that would make it learn. */
interface TypeHolder {
  $$extraDataTypeManager?: DataTypeManager;
}

export interface LearntTypes {
  readonly run: string;
  readonly manager: DataTypeManager;
}

/** The session knows what an earlier one has learnt of the same run of the server. */
export function lendTypes(session: ClientSession, run: string | undefined, learnt: LearntTypes | undefined): void {
  if (learnt === undefined || learnt.run !== run) return;
  learnt.manager.setSession(session);
  (session as unknown as TypeHolder).$$extraDataTypeManager = learnt.manager;
}

export function learntTypes(session: ClientSession, run: string | undefined): LearntTypes | undefined {
  const manager = (session as unknown as TypeHolder).$$extraDataTypeManager;
  return manager === undefined || run === undefined ? undefined : { run, manager };
}

/** Names one run of a server; `undefined` where it does not say when it was started, and may be another one now. */
export function runOf(url: string, { startedMs, namespaces }: ServerFacts): string | undefined {
  return startedMs === 0 ? undefined : JSON.stringify([url, startedMs, namespaces]);
}
