import assert from 'node:assert/strict';
import { DataType } from 'node-opcua';
import { opcua } from '../../../connectors/opcua/definition.ts';
import { pointSchema } from '../../../connectors/opcua/mapping/settings.ts';
import { MAX_MATCHES } from '../../../connectors/opcua/nodes/find-nodes.ts';
import type { ConnectionPlan, PointPlan } from '../../../src/model/plan.ts';
import { presentDevices } from '../../../src/southbound/present-devices.ts';
import { startOpcuaServer, type TestServer } from '../../support/opcua-server.ts';
import { RecordedLog } from '../../support/recorded-log.ts';
import { Bench, makePlan, OPEN } from './support.ts';

function patternOf(browse: string): PointPlan {
  const address = pointSchema.parse({ address: { browse } });
  return {
    point: { id: 'press/many', device: 'press', name: 'many', address, access: 'read', kind: 'telemetry', intervalMs: 1_000 },
    keys: {},
  };
}

describe('a pattern for very many nodes', () => {
  let server: TestServer;
  const bench = new Bench();

  before(async () => {
    server = await startOpcuaServer({ options: { serverCapabilities: { operationLimits: { maxNodesPerBrowse: 20 } } } });
    const { addressSpace } = server.server.engine;
    assert.ok(addressSpace);
    const namespace = addressSpace.registerNamespace('urn:test:many');
    const many = namespace.addObject({ organizedBy: addressSpace.rootFolder.objects, nodeId: 's=Many', browseName: 'Many' });
    for (let at = 0; at <= MAX_MATCHES; at += 1) {
      const browseName = `${at % 2 === 0 ? 'Even' : 'Odd'}${at}`;
      namespace.addVariable({ componentOf: many, nodeId: `s=${at}`, browseName, dataType: DataType.Double });
    }
    await bench.begin();
  });
  after(async () => {
    await bench.end();
    await server.stop();
  });

  async function resolve(browse: string) {
    const base = makePlan({ url: server.url, ...OPEN }, { press: { Speed: {} } });
    const plan: ConnectionPlan = {
      ...base,
      devices: base.devices.map((device) => ({ ...device, patterns: [patternOf(browse)] })),
    };
    assert.deepEqual(opcua.check(plan as never), []);
    const recorded = new RecordedLog();
    const connector = bench.connector(plan, recorded.log);
    const session = await bench.open(connector);
    const [device] = presentDevices(plan, session);
    const [speed] = await session.read(
      (device?.points ?? []).slice(0, 1).map(({ point }) => point),
      AbortSignal.timeout(10_000),
    );
    assert.equal(speed?.value, 1.5);
    return { points: device?.points ?? [], recorded, patterns: connector.status().details?.patterns };
  }

  it('makes thousands of points', async () => {
    const { points, patterns } = await resolve('Objects/Many/Even*');
    assert.equal(points.length, 1 + MAX_MATCHES / 2 + 1);
    assert.deepEqual([points[1]?.point.name, patterns], ['even0', { 'press/many': MAX_MATCHES / 2 + 1 }]);
  }).timeout(60_000);

  it('makes none of more than 10 000, says so, and lets the others be', async () => {
    const { points, recorded, patterns } = await resolve('Objects/Many/*');
    assert.deepEqual([points.length, patterns], [1, { 'press/many': 'more than 10000 nodes' }]);
    assert.match(String(recorded.events('opcua pattern not clear')[0]?.reason), /more than 10000 nodes/);
  }).timeout(60_000);

  it('says that there is nothing', async () => {
    const { points, recorded } = await resolve('Objects/Many/None*');
    assert.equal(points.length, 1);
    assert.match(String(recorded.events('opcua pattern not clear')[0]?.reason), /no such variable/);
  }).timeout(60_000);
});
