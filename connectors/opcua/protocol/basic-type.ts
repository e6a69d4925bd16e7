import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { BrowseDirection, type ClientSession, type DataType, type NodeId } from 'node-opcua-client';

/** Types above types above types; more is a circle. */
const MAX_DEPTH = 32;

type Find = (session: ClientSession, type: NodeId) => Promise<DataType>;

const ofLibrary = createRequire(import.meta.resolve('node-opcua-client'));
const module = ofLibrary(join(dirname(ofLibrary.resolve('node-opcua-pseudo-session')), 'find_basic_datatype.js')) as {
  findBasicDataType: Find;
};
const findInStandard = module.findBasicDataType;

/**
 * The built-in type behind a type. node-opcua 2.182 looks at the number of the node id alone: the second type of a vendor's namespace,
 * `ns=2;i=2`, was an SByte.
 */
export async function basicTypeOf(session: ClientSession, type: NodeId): Promise<DataType> {
  let current = type;
  for (let depth = 0; current.namespace !== 0 && depth < MAX_DEPTH; depth += 1) {
    const above = await session.browse({
      nodeId: current,
      referenceTypeId: 'HasSubtype',
      browseDirection: BrowseDirection.Inverse,
      includeSubtypes: false,
      resultMask: 0,
    });
    const next = above.references?.[0]?.nodeId;
    if (next === undefined) throw new Error(`BadDataTypeIdUnknown: ${type} is derived from nothing`);
    current = next;
  }
  return findInStandard(session, current);
}

/** The library itself asks by this object, of structures and before a write. */
export function correctBasicTypes(): void {
  module.findBasicDataType = basicTypeOf;
}
