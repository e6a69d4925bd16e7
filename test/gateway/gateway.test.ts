import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { startGateway } from '../../src/gateway/gateway.ts';
import type { GatewayPlan } from '../../src/model/plan.ts';
import { TemporaryConfiguration } from '../support/configuration.ts';
import { planOf } from '../support/gateway-plan.ts';
import { RecordedLog } from '../support/recorded-log.ts';
import { SinkBroker } from '../support/sink-broker.ts';

const gatewayYaml = (url: string) => `gateway: { id: plant-a }
hubs: { cloud: { dialect: mqtt, url: "${url}" } }
spool: { directory: ./spool }
operations: { port: 0 }
`;

const pressYaml = (port: number) => `twin: press-07
hub: cloud
connection: { protocol: modbus-tcp, host: 127.0.0.1, port: ${port} }
points:
  speed: { address: { holding: 1 }, type: uint16, write: { min: 0, max: 10 } }
`;

/** A PLC that takes connections and never answers. */
async function silentPlc(): Promise<Server & { port: number; connections: number }> {
  const server = createServer((socket) => {
    plc.connections += 1;
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const plc = Object.assign(server, { port: (server.address() as AddressInfo).port, connections: 0 });
  return plc;
}

describe('the gateway', () => {
  let plc: Awaited<ReturnType<typeof silentPlc>>;
  let broker: SinkBroker;
  let configuration: TemporaryConfiguration;
  let plan: GatewayPlan;
  let recorded: RecordedLog;

  beforeEach(async () => {
    plc = await silentPlc();
    broker = await SinkBroker.start();
    configuration = new TemporaryConfiguration({
      'gateway.yaml': gatewayYaml(broker.url),
      'mappings/press.yaml': pressYaml(plc.port),
    });
    plan = await planOf(configuration);
    recorded = new RecordedLog();
  });

  afterEach(async () => {
    await broker.stop();
    plc.close();
    configuration[Symbol.dispose]();
  });

  const start = (of: GatewayPlan = plan) =>
    startGateway(of, { log: recorded.log, version: '0', stateDirectory: configuration.path('state') });

  const command = (id: string) => ({ id, device: 'press-07', desired: { speed: 1 }, expiresTimeMs: Date.now() + 60_000 });

  it('opens nothing when another one owns the spool, and starts when that one is gone', async () => {
    const owner = await start();
    await broker.until(() => broker.connects.length === 1);
    await assert.rejects(start(), { code: 'SPOOL_BUSY' });
    await owner.stop(0);
    assert.equal(broker.connects.length, 1);
    await (await start()).stop(0);
  });

  it('leaves nothing behind when a part cannot be made', async () => {
    const unknown: GatewayPlan = { ...plan, hubs: plan.hubs.map((hub) => ({ ...hub, dialect: 'telex' })) };
    await assert.rejects(start(unknown), { code: 'BUG' });
    const alien: GatewayPlan = { ...plan, connections: plan.connections.map((one) => ({ ...one, protocol: 'telex' })) };
    await assert.rejects(start(alien), { code: 'BUG' });
    assert.deepEqual([plc.connections, broker.connects.length], [0, 0]);
    await (await start()).stop(0);
  });

  it('stops once, however often and early it is told to', async () => {
    const gateway = await start();
    await Promise.all([gateway.stop(0), gateway.stop(0), gateway.stop()]);
    assert.equal(broker.openConnections, 0);
    await (await start()).stop(0);
  });

  it('refuses commands while it stops, and keeps that in the audit', async () => {
    const gateway = await start();
    const stopping = gateway.stop(0);
    const result = await gateway.execute(command('late'), new AbortController().signal);
    await stopping;
    assert.deepEqual([result.status, result.error?.code], ['refused', 'COMMAND_FAILED']);
    const audited = recorded.events('command answered').map((line) => [line.command, line.status]);
    assert.deepEqual(audited, [['late', 'refused']]);
  });
});
