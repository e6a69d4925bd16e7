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
  readonly namespaces: readonly SimulatedNamespace[];
}

export interface SimulatedOpcuaServer {
  readonly url: string;
  readonly port: number;
  /** Throws where no variable has this name. Of several namespaces the first that has it wins. */
  variable(name: string): OpcuaVariable;
  /** Sessions are closed, the port refuses connections. */
  down(): Promise<void>;
  /** Up again on the same port with the same values. */
  up(): Promise<void>;
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

  const up = async (): Promise<void> => {
    if (running !== undefined) return;
    const server = createOpcuaServer(library, port, folder);
    await server.initialize();
    for (const { uri, variables: declared } of options.namespaces) {
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

/** Without any security, which starts quickest. */
function createOpcuaServer(library: Library, port: number, folder: string): OPCUAServer {
  const { MessageSecurityMode, OPCUACertificateManager, OPCUAServer, SecurityPolicy } = library;
  const manager = (name: string) =>
    new OPCUACertificateManager({
      rootFolder: join(folder, name),
      automaticallyAcceptUnknownCertificate: true,
      disableFileWatchers: true,
    });
  return new OPCUAServer({
    port,
    hostname: '127.0.0.1',
    alternateHostname: ['127.0.0.1', 'localhost'],
    nodeset_filename: [library.nodesets.standard],
    serverInfo: { applicationUri: 'urn:fieldmarshal:simulator' },
    serverCertificateManager: manager('pki'),
    userCertificateManager: manager('user-pki'),
    securityModes: [MessageSecurityMode.None],
    securityPolicies: [SecurityPolicy.None],
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
