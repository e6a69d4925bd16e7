import {
  BrowseDirection,
  type ClientSession,
  makeNodeId,
  type NodeId,
  QualifiedName,
  type ReferenceDescription,
} from 'node-opcua-client';
import { ALWAYS, BASE_EVENT_TYPE, type EventField, OF_CONDITIONS } from '../watching/event-filter.ts';

/** Types above types above types; more is a circle. */
const MAX_DEPTH = 32;

/** The fields of an event that the mapping wants beside those of every event. */
export async function wantedFields(
  session: ClientSession,
  typeId: NodeId | undefined,
  names: readonly string[] | undefined,
): Promise<readonly EventField[]> {
  if (names === undefined) return [...ALWAYS, ...OF_CONDITIONS];
  const declared = await fieldsOfType(session, typeId);
  return [...ALWAYS, ...names.map((name) => knownField(name) ?? toField(name, declared))];
}

function knownField(name: string): EventField | undefined {
  return OF_CONDITIONS.find((field) => field.name === name);
}

type Declared = ReadonlyMap<string, { readonly name: QualifiedName; readonly typeId: NodeId }>;

/** What is not declared is asked for as the standard names it; the server then says that it is not there, or gives nothing. */
function toField(name: string, declared: Declared): EventField {
  const [first = '', ...below] = name.split('/');
  const found = declared.get(first);
  const path = [found?.name ?? new QualifiedName({ name: first }), ...below.map((step) => new QualifiedName({ name: step }))];
  return { name: name.replaceAll('/', '.'), path, typeId: found?.typeId ?? makeNodeId(BASE_EVENT_TYPE) };
}

/** By name: the fields of an event type and of those it is derived from, with the namespace and the type that has them. */
async function fieldsOfType(session: ClientSession, typeId: NodeId | undefined): Promise<Declared> {
  const fields = new Map<string, { name: QualifiedName; typeId: NodeId }>();
  let type = typeId;
  for (let depth = 0; type !== undefined && depth < MAX_DEPTH; depth += 1) {
    const owner = type;
    for (const { browseName } of await browse(session, owner, 'Aggregates', BrowseDirection.Forward)) {
      const name = browseName.name ?? '';
      if (!fields.has(name)) fields.set(name, { name: browseName, typeId: owner });
    }
    type = (await browse(session, owner, 'HasSubtype', BrowseDirection.Inverse))[0]?.nodeId;
  }
  return fields;
}

async function browse(
  session: ClientSession,
  nodeId: NodeId,
  referenceTypeId: string,
  browseDirection: BrowseDirection,
): Promise<readonly ReferenceDescription[]> {
  const result = await session.browse({ nodeId, referenceTypeId, browseDirection, includeSubtypes: true, resultMask: 63 });
  return result.references ?? [];
}
