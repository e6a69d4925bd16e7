import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type RunningGateway, startGateway } from '../../../src/gateway/gateway.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import { SimulatedModbusDevice } from '../../../src/simulator/modbus-device.ts';
import { type ModbusTcpServer, startModbusTcpServer } from '../../../src/simulator/modbus-tcp-server.ts';
import { HubPlant, until } from '../../support/azure/hub-plant.ts';
import { GROUP_KEY } from '../../support/azure/plant.ts';
import { TemporaryConfiguration } from '../../support/configuration.ts';
import { planOf } from '../../support/gateway-plan.ts';

const pressYaml = (twin: string, port: number) => `twin: ${twin}
model: dtmi:com:acme:Press;1
hub: cloud
connection: { protocol: modbus-tcp, host: 127.0.0.1, port: ${port}, unit: ${twin.slice(-1)} }
message: { maxAge: 200 ms }
defaults: { interval: 50 ms, type: uint16 }
points:
  pressure: { address: { input: 3 } }
  speed: { address: { holding: 10 }, as: property, write: { min: 0, max: 1500 } }
`;

/** Everything real but the cloud and the PLC. */
describe('a gateway with a device in the hub for each twin', () => {
  let plant: HubPlant;
  let plc: ModbusTcpServer;
  let gateway: RunningGateway;
  let configuration: TemporaryConfiguration;

  before(async function () {
    this.timeout(30_000);
    plant = await HubPlant.start();
    const units = new Map([7, 8].map((unit) => [unit, new SimulatedModbusDevice()]));
    plc = await startModbusTcpServer({ port: 0, units });
    for (const id of ['press-07', 'press-08']) {
      const key = createHmac('sha256', Buffer.from(GROUP_KEY, 'base64')).update(id).digest('base64');
      plant.hub.register(id, { keys: [key] });
    }
    configuration = new TemporaryConfiguration({
      'gateway.yaml': `gateway: { id: gw-01 }
hubs:
  cloud:
    dialect: azure-iot-hub
    host: 127.0.0.1
    port: ${plant.hub.port}
    ca: ca.crt
    deviceIdentity: per-device
    auth: { groupKey: !secret group-key }
    reportAtMostEvery: 10 ms
    tier: S1
operations: { port: 0 }
`,
      'ca.crt': await readFile(plant.authority.ca),
      'secrets/group-key': GROUP_KEY,
      'mappings/press.yaml': pressYaml('press-07', plc.port),
      'mappings/press-08.yaml': pressYaml('press-08', plc.port),
    });
    const plan = await planOf(configuration);
    gateway = await startGateway(plan, { log: silentLog, version: '0', stateDirectory: configuration.path('state') });
  });

  after(async () => {
    await gateway.stop();
    await plc.close();
    await plant.end();
    configuration[Symbol.dispose]();
    assert.deepEqual(plant.hub.violations, []);
  });

  const twin = (id: string) => plant.hub.device(id).twin;

  it('keeps a connection for each, with its own credential, model and part of the tier', async () => {
    await until(() => plant.hub.openConnections === 2, 10_000);
    const status = () => gateway.status().hubs.map(({ name, quota }) => [name, quota?.messagesPerDay] as const);
    await until(() => status().every(([, perDay]) => perDay !== undefined));
    assert.deepEqual(status().toSorted(), [
      ['cloud/press-07', 200_000],
      ['cloud/press-08', 200_000],
    ]);
    assert.ok(plant.hub.connects.every(({ username = '' }) => username.endsWith('&model-id=dtmi:com:acme:Press;1')));
  });

  it('sends what a twin tells to the device of that twin, properties flat', async () => {
    await until(() => new Set(plant.hub.messages.map(({ twin: name }) => name)).size === 2, 10_000);
    for (const { deviceId, properties } of plant.hub.telemetry.filter(({ properties: told }) => told.twinId !== undefined))
      assert.equal(properties.twinId, deviceId);
    await until(() => JSON.stringify(twin('press-07').reported).includes('speed'));
    const { speed } = twin('press-07').reported as { speed: { value: number; av: number } };
    assert.deepEqual([speed.value, speed.av], [10, 0]);
  });

  it('writes what is desired to the register, and tells what was read back', async () => {
    plant.hub.desire('press-08', { speed: 700 });
    await until(() => JSON.stringify(twin('press-08').reported).includes('"ac":200'), 10_000);
    const { speed } = twin('press-08').reported as { speed: { value: number; av: number } };
    assert.deepEqual([speed.value, speed.av], [700, 2]);
    await until(() => (twin('press-08').reported as { speed: { value: number } }).speed.value === 700);
    const { status, payload } = await plant.hub.invoke('press-07', 'gw.command', { desired: { speed: 9_000 } });
    assert.equal(status, 400);
    assert.match(payload, /COMMAND_OUT_OF_RANGE/);
  });
});
