import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataType, OPCUACertificateManager, OPCUAServer, setErrorLogger, setWarningLogger, Variant } from 'node-opcua';
import { tellReady } from '../harness/child.ts';

/** An OPC UA server with so many numbers that are another one whenever they are looked at. */
const variables = Number(process.argv[2]);
const folder = mkdtempSync(join(tmpdir(), 'bench-opcua-server-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
setWarningLogger(() => {});
setErrorLogger(() => {});

const manager = (name: string) =>
  new OPCUACertificateManager({
    rootFolder: join(folder, name),
    automaticallyAcceptUnknownCertificate: true,
    disableFileWatchers: true,
  });
const port = await freePort();
const server = new OPCUAServer({
  port,
  hostname: '127.0.0.1',
  alternateHostname: ['127.0.0.1', 'localhost'],
  serverCertificateManager: manager('pki'),
  userCertificateManager: manager('user-pki'),
  serverInfo: { applicationUri: 'urn:fieldmarshal:bench' },
});
await server.initialize();
const { addressSpace } = server.engine;
if (addressSpace === null) throw new Error('the server has no address space');
const namespace = addressSpace.registerNamespace('urn:bench');
const objects = namespace.addFolder(addressSpace.rootFolder.objects, { browseName: 'Bench' });
let value = 0;
const get = () => {
  value += 1;
  return new Variant({ dataType: DataType.Double, value });
};
for (let index = 0; index < variables; index += 1) {
  const name = `v${index}`;
  const access = { accessLevel: 'CurrentRead', minimumSamplingInterval: 10 } as const;
  namespace.addVariable({
    organizedBy: objects,
    nodeId: `s=${name}`,
    browseName: name,
    dataType: 'Double',
    ...access,
    value: { get },
  });
}
await server.start();
tellReady({ url: `opc.tcp://127.0.0.1:${port}`, namespaceIndex: namespace.index });

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
