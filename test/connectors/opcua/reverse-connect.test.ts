import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { checkPlan, type OpcuaPlan } from '../../../connectors/opcua/mapping/check.ts';
import { acceptCertificate, listCertificates, trustFolders } from '../../../connectors/opcua/security/trust.ts';
import { freePort, startOpcuaServer } from '../../support/opcua-server.ts';
import { Bench, Collected, FAST, makePlan, OPEN } from './support.ts';

const NO_STOP = new AbortController().signal;

describe('OPC UA reverse connect', () => {
  const bench = new Bench();
  beforeEach(() => bench.begin());
  afterEach(() => bench.end());

  /** A server that calls the gateway, and says that it can be reached where nobody can reach it. */
  async function start(listenPort: number) {
    const reverseConnect = {
      connections: [{ endpointUrl: `opc.tcp://127.0.0.1:${listenPort}` }],
      reconnectDelay: 100,
      maxReconnectDelay: 200,
    };
    const server = await startOpcuaServer({ options: { reverseConnect } });
    bench.onEnd(() => server.stop());
    const serverUri = server.server.serverInfo.applicationUri ?? '';
    return { server, serverUri, url: server.server.getEndpointUrl() };
  }

  const keys = (port: number, url: string, serverUri: string, more = {}) => ({
    url,
    ...FAST,
    reverseConnect: { listen: `127.0.0.1:${port}`, serverUri, patience: '5 s' },
    ...more,
  });

  it('reads from a server that opens the connection itself, encrypted, once that is trusted', async () => {
    const port = await freePort();
    const { serverUri, url } = await start(port);
    const made = bench.connector(makePlan(keys(port, url, serverUri), { press: { Speed: {} } }));
    await assert.rejects(made.open(NO_STOP), { code: 'LINK_UNTRUSTED' });
    const folders = trustFolders(bench.stateDirectory);
    const [rejected] = await listCertificates(folders.rejected);
    await acceptCertificate(folders, rejected?.sha1 ?? '');
    const session = await bench.open(made);
    await new Collected(session).until('Speed');
  });

  it('shares one address among connections, and leaves it when the last is closed', async () => {
    const port = await freePort();
    const { serverUri, url } = await start(port);
    const made = bench.connector(makePlan(keys(port, url, serverUri, OPEN), { press: { Speed: {} } }));
    const impatient = { listen: `127.0.0.1:${port}`, serverUri: 'urn:nobody', patience: '500 ms' };
    const other = bench.connector(
      makePlan(keys(port, url, '', { ...OPEN, timeout: '1 s', reverseConnect: impatient }), { press: { Speed: {} } }),
    );
    const [session, refused] = await Promise.allSettled([made.open(NO_STOP), other.open(NO_STOP)]);
    assert.equal(refused.status, 'rejected');
    assert.ok(session.status === 'fulfilled');
    await new Collected(session.value).until('Speed');
    await session.value.close();
    const socket = connect(port, '127.0.0.1');
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNREFUSED');
  });

  for (const [what, wrong] of [
    ['names itself otherwise', { serverUri: 'urn:somebody:else' }],
    ['offers its endpoints under another URL', { url: 'opc.tcp://press-07:4840' }],
  ] as const) {
    it(`takes no server that ${what}`, async () => {
      const port = await freePort();
      const { serverUri, url } = await start(port);
      const settings = { ...keys(port, url, serverUri, OPEN), insecure: true };
      const reverseConnect = { ...settings.reverseConnect, patience: '1 s', ...('serverUri' in wrong ? wrong : {}) };
      const plan = makePlan(
        { ...settings, ...('url' in wrong ? wrong : {}), timeout: '1 s', reverseConnect },
        { press: { Speed: {} } },
      );
      await assert.rejects(bench.connector(plan).open(NO_STOP), {
        code: 'LINK_TIMEOUT',
        message: /waiting at 127\.0\.0\.1:\d+ for urn:/,
      });
    });
  }

  it('says that the address to listen at is taken', async () => {
    const server = await startOpcuaServer();
    bench.onEnd(() => server.stop());
    const plan = makePlan(keys(server.port, 'opc.tcp://press-07:4840', 'urn:press', { insecure: true }), {
      press: { Speed: {} },
    });
    await assert.rejects(bench.connector(plan).open(NO_STOP), { code: 'LINK_REFUSED', message: /cannot listen at .*EADDRINUSE/ });
  });

  it('is not open to everybody because the URL is that of this machine', () => {
    const plan = (listen: string) => {
      const reverseConnect = { listen, serverUri: 'urn:press' };
      return makePlan({ url: 'opc.tcp://127.0.0.1:4840', ...OPEN, reverseConnect }, { press: { Speed: {} } }) as OpcuaPlan;
    };
    assert.deepEqual(checkPlan(plan('127.0.0.1:4841')), []);
    assert.equal(checkPlan(plan('0.0.0.0:4841'))[0]?.severity, 'error');
  });
});
