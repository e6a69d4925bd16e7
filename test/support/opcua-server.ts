import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  coerceNodeId,
  DataType,
  MessageSecurityMode,
  makeRoles,
  OPCUACertificateManager,
  OPCUAServer,
  type OPCUAServerOptions,
  SecurityPolicy,
  StatusCodes,
  setErrorLogger,
  setWarningLogger,
  type UAVariable,
  VariantArrayType,
  type VariantOptions,
  WellKnownRoles,
} from 'node-opcua';

/** Each namespace has the same nodes; `Where` tells in which one a reader has landed. */
export const PLANT = 'urn:test:plant';
export const OTHER = 'urn:test:other';

export interface TestServer {
  readonly url: string;
  readonly port: number;
  readonly server: OPCUAServer;
  /** A variable of the plant's namespace. */
  variable(name: string): UAVariable;
  set(name: string, value: VariantOptions): void;
  stop(): Promise<void>;
}

export interface TestServerOptions {
  readonly port?: number;
  /** In this order after the standard's own and the server's. */
  readonly namespaces?: readonly string[];
  readonly options?: OPCUAServerOptions;
  /** Client certificates are refused unless they were trusted before. */
  readonly isStrict?: boolean;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

export async function startOpcuaServer(given: TestServerOptions = {}): Promise<TestServer> {
  setWarningLogger(() => {});
  setErrorLogger(() => {});
  const folder = await mkdtemp(join(tmpdir(), 'opcua-server-'));
  const port = given.port ?? (await freePort());
  const manager = (name: string) =>
    new OPCUACertificateManager({
      rootFolder: join(folder, name),
      automaticallyAcceptUnknownCertificate: given.isStrict !== true,
      disableFileWatchers: true,
    });
  const server = new OPCUAServer({
    port,
    hostname: '127.0.0.1',
    alternateHostname: ['127.0.0.1', 'localhost'],
    serverCertificateManager: manager('pki'),
    userCertificateManager: manager('user-pki'),
    securityModes: [MessageSecurityMode.None, MessageSecurityMode.Sign, MessageSecurityMode.SignAndEncrypt],
    securityPolicies: [
      SecurityPolicy.None,
      SecurityPolicy.Basic256Sha256,
      SecurityPolicy.Aes128_Sha256_RsaOaep,
      SecurityPolicy.Aes256_Sha256_RsaPss,
    ],
    serverInfo: { applicationUri: 'urn:test:server' },
    allowAnonymous: true,
    userManager: {
      isValidUser: (name: string, password: string) => name === 'operator' && password === 'secret',
      getUserRoles: () => makeRoles([WellKnownRoles.AuthenticatedUser]),
    },
    ...given.options,
  });
  await server.initialize();
  const variables = new Map<string, UAVariable>();
  for (const uri of given.namespaces ?? [PLANT, OTHER]) {
    const added = addNodes(server, uri);
    if (uri === PLANT) for (const [name, variable] of added) variables.set(name, variable);
  }
  await server.start();
  const variable = (name: string) => {
    const found = variables.get(name);
    if (found === undefined) throw new Error(`no variable ${name}`);
    return found;
  };
  return {
    url: `opc.tcp://127.0.0.1:${port}`,
    port,
    server,
    variable,
    set: (name, value) => variable(name).setValueFromSource(value),
    stop: async () => {
      await server.shutdown(0);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const VALUES: Readonly<Record<string, VariantOptions>> = {
  Speed: { dataType: DataType.Double, value: 1.5 },
  Count: { dataType: DataType.Int32, value: 7 },
  Small: { dataType: DataType.SByte, value: -128 },
  Byte: { dataType: DataType.Byte, value: 255 },
  Int16: { dataType: DataType.Int16, value: -32_768 },
  UInt16: { dataType: DataType.UInt16, value: 65_535 },
  UInt32: { dataType: DataType.UInt32, value: 4_294_967_295 },
  MinInt64: { dataType: DataType.Int64, arrayType: VariantArrayType.Scalar, value: [0x80000000, 0] },
  MaxUInt64: { dataType: DataType.UInt64, arrayType: VariantArrayType.Scalar, value: [0xffffffff, 0xffffffff] },
  NotANumber: { dataType: DataType.Float, value: Number.NaN },
  Running: { dataType: DataType.Boolean, value: true },
  Name: { dataType: DataType.String, value: 'Prëss; 07' },
  Started: { dataType: DataType.DateTime, value: new Date('1601-01-01T00:00:00Z') },
  Blob: { dataType: DataType.ByteString, value: Buffer.from([0, 1, 255]) },
  Id: { dataType: DataType.Guid, value: '72962B91-FA75-4AE6-8D28-B404DC7DAF63' },
  Label: { dataType: DataType.LocalizedText, value: { text: 'Öl', locale: 'de' } },
  Qualified: { dataType: DataType.QualifiedName, value: { namespaceIndex: 1, name: 'Oil' } },
  Node: { dataType: DataType.NodeId, value: coerceNodeId('ns=1;s=Oil') },
  Status: { dataType: DataType.StatusCode, value: StatusCodes.BadDeviceFailure },
  'a;b': { dataType: DataType.Int32, value: 1 },
};

function addNodes(server: OPCUAServer, uri: string): ReadonlyMap<string, UAVariable> {
  const { addressSpace } = server.engine;
  if (addressSpace === null) throw new Error('the server has no address space');
  const namespace = addressSpace.registerNamespace(uri);
  const folder = namespace.addFolder(addressSpace.rootFolder.objects, { browseName: uri });
  const added = new Map<string, UAVariable>();
  const all = { ...VALUES, Where: { dataType: DataType.String, value: uri } };
  for (const [name, value] of Object.entries(all)) {
    const dataType = value.dataType ?? DataType.Null;
    const variable = namespace.addVariable({
      componentOf: folder,
      nodeId: `s=${name}`,
      browseName: name,
      dataType,
      minimumSamplingInterval: 10,
    });
    variable.setValueFromSource(value);
    added.set(name, variable);
  }
  const list = namespace.addVariable({
    componentOf: folder,
    nodeId: 's=List',
    browseName: 'List',
    dataType: DataType.Double,
    valueRank: 1,
  });
  list.setValueFromSource({ dataType: DataType.Double, arrayType: 1, value: [1, 2] } as VariantOptions);
  const locked = namespace.addVariable({
    componentOf: folder,
    nodeId: 's=Locked',
    browseName: 'Locked',
    dataType: DataType.Int32,
    accessLevel: 'CurrentRead',
    userAccessLevel: 'CurrentRead',
  });
  locked.setValueFromSource({ dataType: DataType.Int32, value: 5 });
  return added;
}
