import { makeNodeId } from 'node-opcua-client';
import { GatewayError } from '../../../src/model/error.ts';
import { Expiries } from '../../../src/runtime/expiries.ts';
import type { BrowsedNode, BrowseOptions } from '../../../src/southbound/browse-tool.ts';
import { type ConnectOptions, connect, type OpenClient } from '../connection/client.ts';
import { parseNodeAddress } from '../mapping/node-address.ts';
import type { OpcuaSettings } from '../mapping/settings.ts';
import { resolveNodeId } from '../nodes/nodes.ts';
import { toLinkError } from '../protocol/errors.ts';
import { quietLibrary } from '../protocol/quiet.ts';
import { readServerFacts, type ServerFacts } from '../protocol/requests.ts';
import { trustFolders } from '../security/trust.ts';
import { OBJECTS_FOLDER, walk } from './browse.ts';

const CLOSE_TIMEOUT_MS = 3_000;

export async function* browse(options: BrowseOptions): AsyncGenerator<BrowsedNode> {
  const { connection, gatewayId, log, signal, depth } = options;
  const settings = connection.settings as OpcuaSettings;
  const folders = trustFolders(options.stateDirectory);
  quietLibrary(log);
  const open = await openFirst(settings, { name: connection.name, folders, gatewayId, signal, log, expiries: new Expiries(log) });
  try {
    const facts = await readServerFacts(open.session);
    const start = startOf(options.node, facts);
    for await (const node of walk({ session: open.session, facts, start, depth })) {
      if (signal.aborted) return;
      yield node;
    }
  } catch (error) {
    throw toLinkError(error, connection.name, 'browsing');
  } finally {
    await open.close(CLOSE_TIMEOUT_MS);
  }
}

function startOf(node: string | undefined, { namespaces }: ServerFacts) {
  if (node === undefined) return makeNodeId(OBJECTS_FOLDER);
  const address = parseNodeAddress(node);
  const nodeId = address && resolveNodeId(address, namespaces);
  if (nodeId !== undefined) return nodeId;
  const hint = 'a node id with its namespace URI is expected, e.g. `nsu=urn:acme:press;s=Line1`';
  throw new GatewayError(
    'USAGE',
    node,
    address === undefined ? hint : `the server has no such namespace; it has ${namespaces.join(', ')}`,
  );
}

/** Of redundant servers the first that lets us in. */
async function openFirst(
  { url: urls, ...settings }: OpcuaSettings,
  options: Omit<ConnectOptions, 'settings'>,
): Promise<OpenClient> {
  for (const url of urls.slice(0, -1)) {
    const open = await connect({ ...options, settings: { ...settings, url } }).catch(() => undefined);
    if (open !== undefined) return open;
  }
  return connect({ ...options, settings: { ...settings, url: urls.at(-1) ?? '' } });
}
