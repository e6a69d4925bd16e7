import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { type RunningGateway, startGateway } from '../../src/gateway/gateway.ts';
import { createMetrics } from '../../src/runtime/metrics.ts';
import { type CertificateFiles, createAuthority, readCertificate, type TestAuthority } from '../support/certificates.ts';
import { TemporaryConfiguration } from '../support/configuration.ts';
import { planOf } from '../support/gateway-plan.ts';
import { RecordedLog } from '../support/recorded-log.ts';
import { SinkBroker } from '../support/sink-broker.ts';

const HUB_PASSWORD = 'canary-of-the-hub-password';
const OPCUA_PASSWORD = 'canary-of-the-opcua-password';

/** Answers every connection with what is no protocol at all, like a captive portal. */
async function portal(): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

const gatewayYaml = (plain: string, tls: string, certificate: string) => `gateway: { id: plant-a }
hubs:
  password: { dialect: mqtt, url: "${plain}", auth: { username: gw, password: !secret hub-password } }
  certificate: { dialect: mqtt, url: "${tls}", auth: { certificate: "${certificate}", privateKey: !secret hub.key } }
spool: { directory: ./spool }
operations: { port: 0 }
log: { level: debug }
`;

const mappingYaml = (port: number) => `twin: press-07
hub: [password, certificate]
connection:
  protocol: opcua
  url: opc.tcp://127.0.0.1:${port}
  user: { name: operator, password: !secret opcua-password }
points:
  oil: { address: "ns=1;s=Oil" }
`;

describe('secrets', () => {
  let authority: TestAuthority;
  let files: CertificateFiles;
  let foreign: TestAuthority;
  let server: Server;
  let refusing: SinkBroker;
  let untrusted: SinkBroker;

  before(async function () {
    this.timeout(30_000);
    authority = await createAuthority();
    foreign = await createAuthority('Foreign CA');
    files = await authority.issue('gw');
    server = await portal();
    refusing = await SinkBroker.start({ connackCode: 0x86 });
    untrusted = await SinkBroker.start({ tls: await readCertificate(await foreign.issue('localhost')) });
  });

  after(async () => {
    await refusing.stop();
    await untrusted.stop();
    server.close();
    await authority.remove();
    await foreign.remove();
  });

  it('stand in no log, status, metric or file, whatever the other side does', async function () {
    this.timeout(30_000);
    const key = readFileSync(files.privateKey, 'utf8');
    const canaries = [HUB_PASSWORD, OPCUA_PASSWORD, ...key.split('\n').slice(1, -2)];
    using configuration = new TemporaryConfiguration({
      'gateway.yaml': gatewayYaml(refusing.url, untrusted.url, files.certificate),
      'mappings/press.yaml': mappingYaml((server.address() as AddressInfo).port),
      'secrets/hub-password': HUB_PASSWORD,
      'secrets/opcua-password': OPCUA_PASSWORD,
      'secrets/hub.key': key,
    });
    const recorded = new RecordedLog();
    const gateway = await startGateway(await planOf(configuration), {
      log: recorded.log,
      version: '0',
      stateDirectory: configuration.path('state'),
    });
    await untilAllRefused(gateway);
    const shown = [
      JSON.stringify(gateway.status()),
      await createMetrics().render(gateway.status(), gateway.health()),
      JSON.stringify(await gateway.execute(aCommand, new AbortController().signal)),
    ];
    await gateway.stop(0);
    assert.equal(recorded.events('link lost').length, 3);
    const kept = await Promise.all(['spool', 'state'].map((name) => contentsOf(configuration.path(name))));
    const places = [recorded.text, ...shown, ...kept.flat()];
    assert.ok(places.some((place) => place.includes('"kind":"authentication"')));
    for (const place of places) for (const canary of canaries) assert.ok(!place.includes(canary), place.slice(0, 2_000));
  });
});

const aCommand = { id: '1', device: 'press-07', desired: { oil: 1 }, expiresTimeMs: Number.MAX_SAFE_INTEGER };

async function untilAllRefused(gateway: RunningGateway): Promise<void> {
  const links = () => [...gateway.status().connections, ...gateway.status().hubs].map(({ link }) => link.state);
  while (!links().every((state) => state === 'waiting')) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function contentsOf(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(names.map((name) => readFile(name, 'latin1')));
}
