import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { auditDirectory } from '../../src/gateway/audit.ts';
import { type RunningGateway, startGateway } from '../../src/gateway/gateway.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { answerTo, portOfServer, startRawServer } from '../connectors/modbus/raw-server.ts';
import { createAuthority, readCertificate, type TestAuthority } from '../support/certificates.ts';
import { TemporaryConfiguration } from '../support/configuration.ts';
import { planOf } from '../support/gateway-plan.ts';
import { startOpcuaServer, type TestServer } from '../support/opcua-server.ts';

type Json = Readonly<Record<string, unknown>>;

describe('devices that turn the gateway away, in the audit log', function () {
  this.timeout(60_000);
  let authority: TestAuthority;
  let opcua: TestServer;
  let modbus: Awaited<ReturnType<typeof startRawServer>>;
  let configuration: TemporaryConfiguration;
  let gateway: RunningGateway;

  before(async () => {
    authority = await createAuthority('Plant CA');
    opcua = await startOpcuaServer({ options: { allowAnonymous: false } });
    const identity = { ...(await readCertificate(await authority.issue('press'))), ca: await readFile(authority.ca) };
    const mutual = { ...identity, requestCert: true, rejectUnauthorized: true };
    modbus = await startRawServer((socket, request) => socket.write(answerTo(request)), mutual);
    configuration = new TemporaryConfiguration({
      'gateway.yaml': `gateway: { id: gw-01 }
hubs: { cloud: { dialect: mqtt, url: "mqtt://127.0.0.1:1" } }
operations: { port: 0 }
`,
      'ca.crt': await readFile(authority.ca),
      'mappings/meter.yaml': `twin: meter
connection: { protocol: opcua, url: "${opcua.url}", security: { policy: none } }
points: { speed: { address: "nsu=urn:test:plant;s=Speed" } }
`,
      'mappings/press.yaml': `twin: press
connection: { protocol: modbus-tcp, host: 127.0.0.1, port: ${portOfServer(modbus)}, tls: { ca: ../ca.crt } }
points: { speed: { address: { holding: 0 }, type: uint16 } }
`,
    });
    const options = { log: silentLog, version: '0', stateDirectory: configuration.path('state') };
    gateway = await startGateway(await planOf(configuration), options);
  });

  after(async () => {
    await gateway.stop(0);
    await opcua.stop();
    modbus.close();
    await authority.remove();
    configuration[Symbol.dispose]();
  });

  const entries = (): readonly Json[] => {
    const directory = auditDirectory(configuration.path('state'));
    const lines = readdirSync(directory).flatMap((name) => readFileSync(`${directory}/${name}`, 'utf8').split('\n'));
    return lines.filter((line) => line.includes('"kind":"authentication"')).map((line) => JSON.parse(line) as Json);
  };

  it('tells a user that an OPC UA server refuses, and a client certificate that a Modbus device wants', async () => {
    for (const endMs = performance.now() + 30_000; entries().length < 2; ) {
      assert.ok(performance.now() < endMs, JSON.stringify(gateway.status().connections));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const told = entries().map(({ connection, endpoint, state, code }) => [connection, endpoint, state, code]);
    const protocols = told.map(([, endpoint]) => String(endpoint).split(':')[0]).toSorted();
    assert.deepEqual(protocols, ['modbus-tcp', 'opc.tcp']);
    for (const [, , state, code] of told) assert.deepEqual([state, code], ['refused', 'LINK_UNAUTHORIZED']);
  });
});
