import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataType, MessageSecurityMode, OPCUACertificateManager, OPCUAServer, SecurityPolicy, type UAVariable } from 'node-opcua';

export const COUNTING = 'urn:test:counting';

export interface CountingOptions {
  readonly port: number;
  readonly items: number;
  /** Each variable goes up by one this often. */
  readonly stepMs: number;
  /** So many other namespaces lie before that of the variables. */
  readonly shift: number;
  readonly first: number;
  readonly keepsHistory: boolean;
  /** Whether a new session may take over the subscriptions of another. */
  readonly handsOver: boolean;
}

export interface CountingServer {
  /** The number that the variables hold. */
  readonly number: number;
  pause(isPaused: boolean): void;
  /** Counts on by so many at once, as if it had been in the last so many milliseconds. */
  burst(steps: number, ms: number): void;
  stop(): Promise<void>;
}

/** An OPC UA server that numbers its changes: every variable `N0`, `N1` … holds 1, 2, 3 …, so that what is lost or comes twice is seen. */
export async function startCountingServer(options: CountingOptions): Promise<CountingServer> {
  const folder = await mkdtemp(join(tmpdir(), 'opcua-counting-'));
  const manager = (name: string) =>
    new OPCUACertificateManager({
      rootFolder: join(folder, name),
      automaticallyAcceptUnknownCertificate: true,
      disableFileWatchers: true,
    });
  const server = new OPCUAServer({
    port: options.port,
    hostname: '127.0.0.1',
    alternateHostname: ['127.0.0.1', 'localhost'],
    serverCertificateManager: manager('pki'),
    userCertificateManager: manager('user-pki'),
    securityModes: [MessageSecurityMode.None],
    securityPolicies: [SecurityPolicy.None],
    serverInfo: { applicationUri: 'urn:test:server' },
    allowAnonymous: true,
    allowAnonymousSubscriptionTransferOnUnsecuredChannel: options.handsOver,
    // Every change counts, however soon the next one comes.
    serverCapabilities: { minSupportedSampleRate: 0 },
  });
  await server.initialize();
  const variables = addVariables(server, options);
  let number = options.first;
  let isPaused = false;
  const count = (time: Date) => {
    number += 1;
    for (const variable of variables) variable.setValueFromSource({ dataType: DataType.UInt32, value: number }, undefined, time);
  };
  const timer = setInterval(() => isPaused || count(new Date()), options.stepMs);
  await server.start();
  return {
    get number() {
      return number;
    },
    pause: (value) => {
      isPaused = value;
    },
    burst: (steps, ms) => {
      const nowMs = Date.now();
      for (let at = 1; at <= steps; at += 1) count(new Date(nowMs - ms + (at * ms) / steps));
    },
    stop: async () => {
      clearInterval(timer);
      await server.shutdown(0);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function addVariables(server: OPCUAServer, { shift, items, first, keepsHistory }: CountingOptions): readonly UAVariable[] {
  const { addressSpace } = server.engine;
  if (addressSpace === null) throw new Error('the server has no address space');
  for (let at = 0; at < shift; at += 1) addDecoys(server, `urn:test:other-${at}`, items);
  const namespace = addressSpace.registerNamespace(COUNTING);
  const folder = namespace.addFolder(addressSpace.rootFolder.objects, { browseName: COUNTING });
  return Array.from({ length: items }, (_, at) => {
    const variable = namespace.addVariable({
      componentOf: folder,
      nodeId: `s=N${at}`,
      browseName: `N${at}`,
      dataType: DataType.UInt32,
      minimumSamplingInterval: 0,
    });
    if (keepsHistory) addressSpace.installHistoricalDataNode(variable, { maxOnlineValues: 100_000 });
    variable.setValueFromSource({ dataType: DataType.UInt32, value: first });
    return variable;
  });
}

/** The same identifiers in another namespace, of another kind: what is read from them is wrong. */
function addDecoys(server: OPCUAServer, uri: string, items: number): void {
  const { addressSpace } = server.engine;
  const namespace = addressSpace?.registerNamespace(uri);
  const folder = namespace?.addFolder(addressSpace?.rootFolder.objects ?? '', { browseName: uri });
  if (namespace === undefined || folder === undefined) return;
  for (let at = 0; at < items; at += 1) {
    const variable = namespace.addVariable({
      componentOf: folder,
      nodeId: `s=N${at}`,
      browseName: `N${at}`,
      dataType: DataType.UInt32,
    });
    variable.setValueFromSource({ dataType: DataType.UInt32, value: WRONG });
  }
}

/** The value of every decoy. */
export const WRONG = 4_000_000_000;
