import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OPCUAServer, UAVariable } from 'node-opcua';
import { OpcuaVariable, type OpcuaVariableOptions } from './opcua-variable.ts';

/** Loaded only when a server is wanted: the library is large. */
type Library = typeof import('node-opcua');

export interface SimulatedNamespace {
  readonly uri: string;
  readonly variables: readonly OpcuaVariableOptions[];
}

export interface OpcuaServerOptions {
  /** 0: any that is free. */
  readonly port: number;
  /** In this order behind the standard's own and the server's: another order shifts the indexes. */
  readonly namespaces: readonly SimulatedNamespace[];
  /** Passwords by user name; anonymous users are let in where there are none. */
  readonly users?: Readonly<Record<string, string>>;
  /** Default: no security at all, which starts quickest. */
  readonly isSecure?: boolean;
  readonly maxSessions?: number;
  readonly operationLimits?: { readonly maxNodesPerRead?: number; readonly maxMonitoredItemsPerCall?: number };
}

export interface SimulatedOpcuaServer {
  readonly url: string;
  readonly port: number;
  /** Throws where no variable has this name. Of several namespaces the first that has it wins. */
  variable(name: string): OpcuaVariable;
  /** Sessions are closed, the port refuses connections. */
  down(): Promise<void>;
  /** Up again on the same port with the same values; `namespaces` in another order if given. */
  up(namespaces?: readonly SimulatedNamespace[]): Promise<void>;
  close(): Promise<void>;
}

export async function startOpcuaServer(options: OpcuaServerOptions): Promise<SimulatedOpcuaServer> {
  const library = await import('node-opcua');
  library.setWarningLogger(() => {});
  library.setErrorLogger(() => {});
  const folder = await mkdtemp(join(tmpdir(), 'fieldmarshal-opcua-'));
  const port = options.port === 0 ? await freePort() : options.port;
  const variables = new Map(
    options.namespaces.flatMap(({ uri, variables }) =>
      variables.map((one) => [`${uri};${one.name}`, new OpcuaVariable(one)] as const),
    ),
  );
  let running: OPCUAServer | undefined;

  const up = async (namespaces = options.namespaces): Promise<void> => {
    if (running !== undefined) return;
    const server = createOpcuaServer(library, { ...options, port }, folder);
    await server.initialize();
    for (const { uri, variables: declared } of namespaces) {
      const known = declared.flatMap(({ name }) => variables.get(`${uri};${name}`) ?? []);
      addNamespace(library, server, uri, known);
    }
    await server.start();
    running = server;
  };
  const down = async (): Promise<void> => {
    const stopping = running;
    running = undefined;
    for (const variable of variables.values()) variable.detach();
    await stopping?.shutdown(0);
  };
  await up();
  return {
    url: `opc.tcp://127.0.0.1:${port}`,
    port,
    variable: (name) => {
      const found = [...variables.values()].find((variable) => variable.name === name);
      if (found === undefined) throw new RangeError(`the simulated OPC UA server has no variable ${name}`);
      return found;
    },
    down,
    up,
    close: async () => {
      await down();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function createOpcuaServer(library: Library, options: OpcuaServerOptions, folder: string): OPCUAServer {
  const { MessageSecurityMode, OPCUACertificateManager, OPCUAServer, SecurityPolicy } = library;
  const { users, isSecure = false, maxSessions = 20, operationLimits = {} } = options;
  const manager = (name: string) =>
    new OPCUACertificateManager({
      rootFolder: join(folder, name),
      automaticallyAcceptUnknownCertificate: true,
      disableFileWatchers: true,
    });
  const secured = isSecure
    ? {
        securityModes: [MessageSecurityMode.None, MessageSecurityMode.Sign, MessageSecurityMode.SignAndEncrypt],
        securityPolicies: [SecurityPolicy.None, SecurityPolicy.Basic256Sha256, SecurityPolicy.Aes256_Sha256_RsaPss],
      }
    : { securityModes: [MessageSecurityMode.None], securityPolicies: [SecurityPolicy.None] };
  return new OPCUAServer({
    port: options.port,
    hostname: '127.0.0.1',
    alternateHostname: ['127.0.0.1', 'localhost'],
    nodeset_filename: [library.nodesets.standard],
    serverInfo: { applicationUri: 'urn:fieldmarshal:simulator' },
    serverCertificateManager: manager('pki'),
    userCertificateManager: manager('user-pki'),
    serverCapabilities: { maxSessions, operationLimits },
    allowAnonymous: users === undefined,
    userManager: { isValidUser: (name: string, password: string) => users?.[name] === password },
    ...secured,
  });
}

function addNamespace(library: Library, server: OPCUAServer, uri: string, variables: readonly OpcuaVariable[]): void {
  const { addressSpace } = server.engine;
  if (addressSpace === null) throw new RangeError('the OPC UA server has no address space');
  const namespace = addressSpace.registerNamespace(uri);
  const folder = namespace.addFolder(addressSpace.rootFolder.objects, { browseName: uri });
  for (const variable of variables) {
    const access = variable.isWritable ? 'CurrentRead | CurrentWrite' : 'CurrentRead';
    const node: UAVariable = namespace.addVariable({
      componentOf: folder,
      nodeId: `s=${variable.name}`,
      browseName: variable.name,
      dataType: variable.type,
      accessLevel: access,
      userAccessLevel: access,
      minimumSamplingInterval: 10,
    });
    variable.attach(library, node);
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
