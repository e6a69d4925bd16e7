import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { auditDirectory } from '../../../src/gateway/audit.ts';
import { type RunningGateway, startGateway } from '../../../src/gateway/gateway.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import { SimulatedModbusDevice } from '../../../src/simulator/modbus-device.ts';
import { type ModbusTcpServer, startModbusTcpServer } from '../../../src/simulator/modbus-tcp-server.ts';
import { HubPlant, until } from '../../support/azure/hub-plant.ts';
import { KEY } from '../../support/azure/plant.ts';
import { TemporaryConfiguration } from '../../support/configuration.ts';
import { planOf } from '../../support/gateway-plan.ts';

type Json = Readonly<Record<string, unknown>>;

/** Everything real but the cloud and the PLC. */
describe('desired settings of an Azure device twin', function () {
  this.timeout(30_000);
  const device = new SimulatedModbusDevice();
  let plant: HubPlant;
  let plc: ModbusTcpServer;
  let gateway: RunningGateway;
  let configuration: TemporaryConfiguration;

  before(async () => {
    plant = await HubPlant.start();
    plc = await startModbusTcpServer({ port: 0, units: new Map([[1, device]]) });
    configuration = new TemporaryConfiguration({
      'gateway.yaml': `gateway: { id: gw-01 }
hubs:
  cloud:
    dialect: azure-iot-hub
    host: 127.0.0.1
    port: ${plant.hub.port}
    ca: ca.crt
    auth: { key: !secret key }
    reportAtMostEvery: 10 ms
operations: { port: 0 }
`,
      'ca.crt': await readFile(plant.authority.ca),
      'secrets/key': KEY,
      'mappings/press.yaml': `twin: press-07
connection: { protocol: modbus-tcp, host: 127.0.0.1, port: ${plc.port}, unit: 1 }
cloudMayChange: { interval: { min: 10 ms, max: 1 h } }
message: { maxAge: 50 ms }
points:
  speed: { address: { holding: 40 }, type: uint16, interval: 1 h }
`,
    });
    const options = { log: silentLog, version: '0', stateDirectory: configuration.path('state') };
    gateway = await startGateway(await planOf(configuration), options);
    await until(() => speeds().length === 1, 10_000);
  });

  after(async () => {
    await gateway.stop();
    await plc.close();
    await plant.end();
    configuration[Symbol.dispose]();
    assert.deepEqual(plant.hub.violations, []);
  });

  const speeds = () => plant.hub.messages.flatMap(({ values }) => (values as { speed?: unknown[] } | undefined)?.speed ?? []);
  const acknowledged = () => {
    const { 'press-07': section = {} } = plant.hub.device('gw-01').twin.reported as Record<string, Json>;
    return (section.gatewaySettings ?? {}) as Json;
  };
  const audited = () => {
    const directory = auditDirectory(configuration.path('state'));
    const lines = readdirSync(directory).flatMap((name) => readFileSync(`${directory}/${name}`, 'utf8').split('\n'));
    const entries = lines.filter((line) => line.includes('"kind":"command"')).map((line) => JSON.parse(line) as Json);
    return entries.map(({ device: twin, status, settings, code }) => ({ twin, status, settings, code }));
  };

  it('change an interval, are acknowledged with code, version and description, and stand in the audit log', async () => {
    plant.hub.desire('gw-01', { 'press-07': { gatewaySettings: { speed: { interval: '20 ms' } } } });
    await until(() => acknowledged().av === 2, 10_000);
    assert.deepEqual(acknowledged(), { value: { speed: { interval: '20 ms' } }, ac: 200, av: 2, ad: 'done' });
    await until(() => speeds().length >= 10, 10_000);
    const settings = { 'speed.interval': '20 ms' };
    await until(() => audited().length === 1);
    assert.deepEqual(audited(), [{ twin: 'press-07', status: 'done', settings, code: undefined }]);
  });

  it('that nobody may change are refused there with the reason, and nothing changes', async () => {
    plant.hub.desire('gw-01', { 'press-07': { gatewaySettings: { logLevel: 'debug' } } });
    await until(() => acknowledged().av === 3, 10_000);
    const { ac, ad } = acknowledged();
    assert.equal(ac, 403);
    assert.match(String(ad), /does not list `logLevel` under `cloudMayChange`/);
    await until(() => audited().length === 2);
    assert.equal(audited()[1]?.status, 'refused');
  });
});
