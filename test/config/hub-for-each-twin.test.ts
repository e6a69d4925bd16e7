import assert from 'node:assert/strict';
import { loadConfiguration } from '../../src/config/load.ts';
import { formatProblems } from '../../src/config/problem.ts';
import { declarations } from '../../src/gateway/plug-ins.ts';
import { TemporaryConfiguration } from '../support/configuration.ts';
import { planOf } from '../support/gateway-plan.ts';

const gatewayYaml = (more: string) => `gateway: { id: gw-01 }
hubs:
  cloud: { dialect: azure-iot-hub, host: acme.azure-devices.net, auth: { groupKey: !secret group-key }${more} }
  historian: { dialect: mqtt, url: "mqtts://broker.example" }
`;
const instances = (count: number) =>
  Array.from({ length: count }, (_, index) => `  - { twin: m-${index}, connection: { unit: ${index + 1} } }`);
const mapping = (count: number, more = '') => `hub: { telemetry: [cloud, historian], property: cloud }
connection: { protocol: modbus-tcp, host: 10.20.0.17 }
${more}
instances:
${instances(count).join('\n')}
points:
  pressure: { address: { input: 12 }, type: int16 }
`;

describe('a hub of which each twin has one of its own', () => {
  const write = (gateway: string, press: string) =>
    new TemporaryConfiguration({
      'gateway.yaml': gateway,
      'mappings/press.yaml': press,
      'secrets/group-key': Buffer.alloc(32, 1).toString('base64'),
    });

  it('is one plan for each twin, and each twin goes to its own', async () => {
    using configuration = write(gatewayYaml(', deviceIdentity: per-device'), mapping(2));
    const { hubs, devices, connections } = await planOf(configuration);
    assert.deepEqual(
      hubs.map(({ name, twin, share }) => [name, twin, share]),
      [
        ['cloud/m-0', 'm-0', 2],
        ['cloud/m-1', 'm-1', 2],
        ['historian', undefined, undefined],
      ],
    );
    assert.deepEqual(devices[1]?.hubs.telemetry, ['cloud/m-1', 'historian']);
    assert.deepEqual(devices[1]?.hubs.property, ['cloud/m-1']);
    assert.deepEqual(connections[0]?.devices, devices);
  });

  it('is refused for more twins than may be', async () => {
    using configuration = write(gatewayYaml(', deviceIdentity: per-device'), mapping(101));
    const { problems } = await loadConfiguration(configuration.directory, declarations);
    assert.match(formatProblems(problems), /gateway\.yaml:3.*\n.*\n?.*101 connections|101 connections/s);
  });

  it('has messages that fill one chunk, unless the mapping says otherwise', async () => {
    using configuration = write(gatewayYaml(''), mapping(1));
    assert.equal((await planOf(configuration)).devices[0]?.message.maxBytes, 3_800);
    configuration.write('mappings/press.yaml', mapping(1, 'message: { maxBytes: 8 kB }'));
    assert.equal((await planOf(configuration)).devices[0]?.message.maxBytes, 8_000);
    configuration.write('mappings/press.yaml', mapping(1).replace(/hub: .*/, 'hub: historian'));
    assert.equal((await planOf(configuration)).devices[0]?.message.maxBytes, 100_000);
  });

  for (const [title, more, complaint] of [
    ['no hub', ', host: acme.azure-devices.net, provisioning: { idScope: 0ne00ABCDEF }', /both say which hub/],
    ['a device id for all', ', deviceIdentity: per-device, deviceId: one', /each device is named like its twin/],
    ['a token that ends too soon', ', tokenLife: 1 min', /from `5 min` to `365 d`/],
    ['a tier without twins', ', tier: B1', /no twins, methods or messages/],
  ] as const) {
    it(`is answered: ${title}`, async () => {
      using configuration = write(gatewayYaml(more).replace(/host: acme.azure-devices.net, (auth.*host:)/, '$1'), mapping(1));
      const { problems } = await loadConfiguration(configuration.directory, declarations);
      assert.match(formatProblems(problems), complaint);
    });
  }

  it('is answered: one key for several devices', async () => {
    using configuration = write(gatewayYaml(', deviceIdentity: per-device').replace('groupKey', 'key'), mapping(1));
    const { problems } = await loadConfiguration(configuration.directory, declarations);
    assert.match(formatProblems(problems), /one credential cannot be that of several devices/);
  });
});
