import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OPCUACertificateManager, OPCUADiscoveryServer, RegisterServerMethod } from 'node-opcua';
import { scan } from '../../../connectors/opcua/finding/scan.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import type { ScanEvent } from '../../../src/southbound/scan-tool.ts';
import { freePort, startOpcuaServer, type TestServer } from '../../support/opcua-server.ts';
import { runCli } from '../../support/run-cli.ts';
import { until } from '../../support/scenario/wait.ts';

const context = { log: silentLog, clock: systemClock, gatewayId: 'scan', stateDirectory: '' };

async function found(target: string): Promise<readonly ScanEvent[]> {
  const events: ScanEvent[] = [];
  const request = { target, options: { timeoutMs: 3_000 }, context, signal: new AbortController().signal };
  for await (const event of scan(request)) events.push(event);
  return events;
}

const endpointsIn = (events: readonly ScanEvent[]) =>
  events.flatMap(({ data }) => ('endpoint' in data ? [data.endpoint as { policy: string; mode: string; users: string[] }] : []));

describe('OPC UA scan', () => {
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  });

  async function start(options = {}): Promise<TestServer> {
    const server = await startOpcuaServer({ options });
    ends.push(() => server.stop());
    return server;
  }

  it('lists what a server offers: policies, modes, users, and whose certificate until when', async () => {
    const server = await start();
    const events = await found(server.url);
    const endpoints = endpointsIn(events);
    assert.ok(endpoints.some(({ policy, mode }) => policy === 'Aes256_Sha256_RsaPss' && mode === 'SignAndEncrypt'));
    assert.deepEqual(endpoints[0]?.users.toSorted(), ['Anonymous', 'Certificate', 'UserName']);
    const line = events.find(({ text }) => text.includes('Basic256Sha256 Sign;'))?.text ?? '';
    assert.match(line, /certificate SHA-256 [0-9A-F]{64}, valid to \d{4}-/);
    const names = events.filter(({ data }) => 'server' in data);
    assert.equal(names.length, 1);
    assert.equal(events.at(-1)?.kind, 'done');
  });

  it('asks a local discovery server for others, and each of them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'opcua-lds-'));
    ends.push(() => rm(folder, { recursive: true, force: true }));
    const port = await freePort();
    const serverCertificateManager = new OPCUACertificateManager({
      rootFolder: folder,
      automaticallyAcceptUnknownCertificate: true,
      disableFileWatchers: true,
    });
    const lds = new OPCUADiscoveryServer({ port, hostname: '127.0.0.1', serverCertificateManager });
    await lds.start();
    ends.push(() => lds.shutdown());
    const discoveryServerEndpointUrl = `opc.tcp://127.0.0.1:${port}`;
    await start({ registerServerMethod: RegisterServerMethod.LDS, discoveryServerEndpointUrl });
    await until('the server has registered', () => lds.registeredServerCount > 0);
    const events = await found(discoveryServerEndpointUrl);
    assert.equal(events.filter(({ data }) => 'server' in data).length, 2, events.map(({ text }) => text).join('\n'));
    assert.ok(endpointsIn(events).some(({ policy }) => policy === 'Aes128_Sha256_RsaOaep'));
  });

  it('is what the command line does with opc.tcp', async () => {
    const server = await start();
    const { stdout, code } = await runCli(['scan', server.url, '--json']);
    const policies = stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).endpoint?.policy]));
    assert.ok(policies.includes('Basic256Sha256'), stdout);
    assert.equal(code, 0);
  }).timeout(30_000);

  it('says what is wrong with a target, and that nobody answers', async () => {
    await assert.rejects(found('opc.tcp://'), { code: 'USAGE' });
    await assert.rejects(found(`opc.tcp://127.0.0.1:${await freePort()}`), { code: 'LINK_REFUSED' });
  });
});
