import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadConfiguration, loadMapping } from '../../src/config/load.ts';
import { formatProblems } from '../../src/config/problem.ts';
import type { GatewayPlan } from '../../src/model/plan.ts';
import { GATEWAY, TemporaryConfiguration } from '../support/configuration.ts';
import { declarations } from '../support/declarations.ts';

const REPOSITORY = join(import.meta.dirname, '..', '..');

async function load(directory: string, environment: Record<string, string> = {}): Promise<GatewayPlan> {
  const { plan, problems } = await loadConfiguration(directory, declarations, { environment });
  assert.equal(formatProblems(problems), '');
  assert.ok(plan);
  return plan;
}

describe('a good configuration', () => {
  it('becomes a plan, complete with defaults', async () => {
    using configuration = new TemporaryConfiguration();
    const plan = await load(configuration.directory);
    assert.deepEqual(plan.gateway, { id: 'plant-a', labels: {} });
    assert.deepEqual(plan.spool, {
      directory: configuration.path('var/spool'),
      maxBytes: 4 * 2 ** 30,
      maxAgeMs: 14 * 86_400_000,
      keepFreeBytes: 2 ** 30,
      classes: {
        alarm: { share: 10, whenFull: 'drop-oldest', keepOneOf: 2 },
        property: { share: 20, whenFull: 'drop-oldest', keepOneOf: 2 },
        telemetry: { share: 70, whenFull: 'drop-oldest', keepOneOf: 2 },
      },
      commitWindowMs: 100,
      compression: 'zstd',
      keys: [],
    });
    assert.deepEqual(plan.operations, { host: '127.0.0.1', port: 9464 });
    assert.deepEqual(plan.log, { level: 'info' });
    const [device] = plan.devices;
    assert.equal(device?.points[0]?.point.id, 'press-07/oilTemperature');
    assert.equal(device.points[0].point.intervalMs, 1_000);
    assert.equal(device.points[0].point.access, 'read');
    assert.deepEqual(device.message, { maxBytes: 100_000, maxAgeMs: 5_000 });
    assert.deepEqual(device.hubs.gap, ['cloud']);
    assert.equal(plan.connections[0]?.name, 'modbus-tcp-10.20.0.17-502');
    assert.equal(plan.connections[0].devices[0], device);
  });

  it('keeps the spool in the state directory of the service', async () => {
    using configuration = new TemporaryConfiguration();
    const plan = await load(configuration.directory, { STATE_DIRECTORY: '/var/lib/fieldmarshal:/var/lib/other' });
    assert.equal(plan.spool.directory, '/var/lib/fieldmarshal/spool');
  });

  it('gives every instance the points, and its own twin, unit, labels and model', async () => {
    using configuration = new TemporaryConfiguration({
      'mappings/press.yaml': `hub: cloud
model: dtmi:com:acme:Press;1
labels: { hall: "2" }
connection: { protocol: modbus-tcp, host: 10.20.0.17, timeout: 2 s }
defaults: { type: int16, interval: 2 s, scale: 0.1 }
instances:
  - { twin: press-01, connection: { unit: 1 } }
  - { twin: press-02, connection: { unit: 2, host: 10.20.0.18 }, labels: { cell: "4" }, model: dtmi:com:acme:Press;2 }
points:
  a: { address: { input: 1 } }
  b: { address: { input: 2 }, scale: 0.5, interval: 100 ms }
  c: { expression: a + b, as: property }
`,
    });
    const { devices, connections } = await load(configuration.directory);
    assert.deepEqual(
      devices.map(({ twin, model, labels }) => ({ twin, model, labels })),
      [
        { twin: 'press-01', model: 'dtmi:com:acme:Press;1', labels: { hall: '2' } },
        { twin: 'press-02', model: 'dtmi:com:acme:Press;2', labels: { hall: '2', cell: '4' } },
      ],
    );
    assert.equal(connections.length, 2);
    const [a, b, c] = devices[1]?.points ?? [];
    assert.deepEqual([a?.keys.scale, a?.point.intervalMs], [0.1, 2_000]);
    assert.deepEqual([b?.keys.scale, b?.point.intervalMs], [0.5, 100]);
    assert.deepEqual([c?.point.address, c?.point.kind], [undefined, 'property']);
  });

  it('makes one connection of eight meters on one line', async () => {
    using configuration = new TemporaryConfiguration({
      'gateway.yaml': `${GATEWAY}connections:
  hall-3: { protocol: modbus-rtu, port: /dev/serial/by-id/usb-a, units: [1, 2] }
`,
      'mappings/press.yaml': `hub: { telemetry: cloud }
connection: { name: hall-3 }
instances:
  - { twin: meter-1, connection: { unit: 1 } }
  - { twin: meter-2, connection: { unit: 2 } }
points: { energy: { address: { holding: 1 }, type: uint32, interval: 10 s, write: { values: [0], atMostEvery: 5 s } } }
`,
    });
    const { connections } = await load(configuration.directory);
    assert.deepEqual(
      connections.map(({ name, devices }) => [name, devices.map(({ twin }) => twin)]),
      [['hall-3', ['meter-1', 'meter-2']]],
    );
    assert.deepEqual(connections[0]?.devices[0]?.points[0]?.write, { values: [0], atMostEveryMs: 5_000 });
    assert.equal(connections[0].devices[0].points[0].point.access, 'read-write');
  });

  it('reads the dead-man rule: hubs that are named, or every one of the device', async () => {
    const rule = (more: string) => `twin: press
connection: { protocol: modbus-tcp, host: h }
deadMan: { ${more}after: 10 min, write: { speed: 0 } }
points: { speed: { address: { holding: 1 }, type: uint16, write: { min: 0, max: 10 } } }
`;
    const read = async (more: string) => {
      using configuration = new TemporaryConfiguration({ 'gateway.yaml': GATEWAY, 'mappings/press.yaml': rule(more) });
      return (await load(configuration.directory)).devices[0]?.deadMan;
    };
    const expected = { hubs: ['cloud'], afterMs: 600_000, write: { speed: 0 } };
    assert.deepEqual([await read(''), await read('hub: cloud, ')], [expected, expected]);
  });

  it('reads every precaution of `write`', async () => {
    using configuration = new TemporaryConfiguration({
      'gateway.yaml': GATEWAY,
      'mappings/press.yaml': `twin: press
connection: { protocol: modbus-tcp, host: h }
points:
  stop: { address: { coil: 1 } }
  speed:
    address: { holding: 1 }
    type: uint16
    write: { min: 0, max: 10, step: 5, onlyIf: stop == false, maxAge: 2 s, confirmWithin: 1 s, expires: 9 s, approval: required }
  valve: { address: { coil: 2 }, write: { approval: { within: 1 min } } }
`,
    });
    const { devices } = await load(configuration.directory);
    const rules = devices[0]?.points.flatMap(({ write }) => write ?? []);
    const limits = { min: 0, max: 10, step: 5, onlyIf: 'stop == false', maxAgeMs: 2_000 };
    assert.deepEqual(rules, [
      { ...limits, confirmWithinMs: 1_000, expiresMs: 9_000, approveWithinMs: 300_000 },
      { approveWithinMs: 60_000 },
    ]);
  });

  it('loads one mapping with the gateway.yaml above it, and without any', async () => {
    using configuration = new TemporaryConfiguration();
    const above = await loadMapping(configuration.path('mappings/press.yaml'), declarations);
    assert.equal(above.plan?.gateway.id, 'plant-a');
    assert.equal(above.plan.devices.length, 1);
    configuration.write(
      'alone/a/b/c/d/e/press.yaml',
      'twin: p\nhub: any\nconnection: { protocol: modbus-tcp, host: h }\npoints: { a: { address: { coil: 1 } } }\n',
    );
    const alone = await loadMapping(configuration.path('alone/a/b/c/d/e/press.yaml'), declarations);
    assert.equal(alone.plan?.gateway.id, 'gateway');
    assert.deepEqual(alone.plan.devices[0]?.hubs.telemetry, ['any']);
  });

  it('reads 20 000 points in less than two seconds', async function () {
    this.timeout(30_000);
    const points = Array.from({ length: 20_000 }, (_, index) => `  p${index}: { address: { holding: ${index} }, type: int16 }\n`);
    using configuration = new TemporaryConfiguration({
      'mappings/press.yaml': `twin: big\nhub: cloud\nconnection: { protocol: modbus-tcp, host: h }\npoints:\n${points.join('')}`,
    });
    const before = process.cpuUsage();
    const plan = await load(configuration.directory);
    const { user } = process.cpuUsage(before);
    assert.equal(plan.devices[0]?.points.length, 20_000);
    assert.ok(
      user < 3 * 2_000_000,
      `${user / 1_000} ms of processor time; the margin is for slow machines and the collector's threads`,
    );
  });
});

describe('the examples in mappings/', () => {
  for (const path of globSync('mappings/**/gateway.yaml', { cwd: REPOSITORY })) {
    it(`${path} loads without a word`, async () => {
      const directory = join(REPOSITORY, dirname(path));
      const { problems, plan } = await loadConfiguration(directory, declarations, { relativeTo: REPOSITORY, environment: {} });
      assert.equal(formatProblems(problems), '');
      assert.ok(plan !== undefined && plan.devices.length > 0);
    });
  }
});
