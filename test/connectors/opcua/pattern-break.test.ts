import assert from 'node:assert/strict';
import { DataType, ReadRequest } from 'node-opcua';
import { pointSchema } from '../../../connectors/opcua/settings.ts';
import type { PointPlan } from '../../../src/model/plan.ts';
import type { Reading } from '../../../src/model/reading.ts';
import { startOpcuaServer, type TestServer } from '../../support/opcua-server.ts';
import { TcpCable } from '../../support/tcp-cable.ts';
import { Bench, FAST, makePlan, OPEN } from './support.ts';

const PATTERN: PointPlan = {
  point: {
    ...{ id: 'press/all', device: 'press', name: 'all', access: 'read', kind: 'telemetry', intervalMs: 50 },
    address: pointSchema.parse({ address: { browse: 'Objects/Line/*' } }),
  },
  keys: {},
};

describe('a pattern whose nodes change', () => {
  const bench = new Bench();
  let server: TestServer;
  beforeEach(async () => {
    await bench.begin();
    server = await startOpcuaServer();
    bench.onEnd(() => server.stop());
  });
  afterEach(() => bench.end());

  it('has its new points though the network breaks while they are looked up', async () => {
    const { addressSpace } = server.server.engine;
    assert.ok(addressSpace);
    const namespace = addressSpace.registerNamespace('urn:test:line');
    const line = namespace.addObject({ organizedBy: addressSpace.rootFolder.objects, nodeId: 's=Line', browseName: 'Line' });
    const add = (browseName: string) =>
      namespace
        .addVariable({ componentOf: line, nodeId: `s=${browseName}`, browseName, dataType: DataType.Double })
        .setValueFromSource({ dataType: DataType.Double, value: 1 });
    add('Old');
    const cable = new TcpCable(server.port);
    await cable.plug();
    bench.onEnd(() => cable.pull());
    const settings = { url: `opc.tcp://127.0.0.1:${cable.port}`, ...OPEN, ...FAST, keepAlive: '2 s', browseEvery: '200 ms' };
    const base = makePlan(settings, { press: {} });
    const plan = { ...base, devices: base.devices.map((device) => ({ ...device, patterns: [PATTERN] })) };
    const seen = new Set<string>();
    const note = ({ point, quality }: Reading) => quality === 'good' && seen.add(point.name);
    bench.acquire(plan, { onBatch: ({ readings }) => readings.forEach(note), onGap: () => {} });
    const has = async (name: string) => {
      while (!seen.has(name)) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    await has('old');
    let cuts = 0;
    server.server.on('request', (request: unknown) => {
      const asksForNew = request instanceof ReadRequest && request.nodesToRead?.some(({ nodeId }) => nodeId.value === 'New');
      if (asksForNew !== true || cuts > 0) return;
      cuts += 1;
      cable.cut();
    });
    add('New');
    await has('new');
    assert.equal(cuts, 1);
  }).timeout(20_000);
});
