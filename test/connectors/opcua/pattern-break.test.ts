import assert from 'node:assert/strict';
import { DataType, ReadRequest } from 'node-opcua';
import { pointSchema } from '../../../connectors/opcua/mapping/settings.ts';
import type { DeviceGap } from '../../../src/model/device-gap.ts';
import type { PointPlan } from '../../../src/model/plan.ts';
import type { Reading } from '../../../src/model/reading.ts';
import { startOpcuaServer, type TestServer } from '../../support/opcua-server.ts';
import { TcpCable } from '../../support/tcp-cable.ts';
import { Bench, FAST, makePlan, OPEN } from './support.ts';

const patternOf = (read: string): PointPlan => ({
  point: {
    ...{ id: `press/${read}`, device: 'press', name: read, access: 'read', kind: 'telemetry', intervalMs: 50 },
    address: pointSchema.parse({ address: { browse: 'Objects/Line/*', name: `${read}{1}` }, read }),
  },
  keys: {},
});

describe('a pattern whose nodes change', () => {
  const bench = new Bench();
  let server: TestServer;
  beforeEach(async () => {
    await bench.begin();
    server = await startOpcuaServer();
    bench.onEnd(() => server.stop());
  });
  afterEach(() => bench.end());

  /** A line with one variable, at the end of a cable. */
  async function begin() {
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
    const seen = new Set<string>();
    const gaps: DeviceGap[] = [];
    const run = () => {
      const settings = { url: `opc.tcp://127.0.0.1:${cable.port}`, ...OPEN, ...FAST, keepAlive: '2 s', browseEvery: '200 ms' };
      const base = makePlan(settings, { press: {} });
      const patterns = ['poll', 'subscribe'].map(patternOf);
      const plan = { ...base, devices: base.devices.map((device) => ({ ...device, patterns })) };
      const note = ({ point, quality }: Reading) => quality === 'good' && seen.add(point.name);
      bench.acquire(plan, { onBatch: ({ readings }) => readings.forEach(note), onGap: (gap) => gaps.push(gap) });
    };
    const has = async (name: string) => {
      while (!seen.has(name)) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    return { add, cable, run, has, gaps };
  }

  it('has its new points though the network breaks while they are looked up', async () => {
    const { add, cable, run, has } = await begin();
    run();
    await has('subscribeOld');
    let cuts = 0;
    server.server.on('request', (request: unknown) => {
      const asksForNew = request instanceof ReadRequest && request.nodesToRead?.some(({ nodeId }) => nodeId.value === 'New');
      if (asksForNew !== true || cuts > 0) return;
      cuts += 1;
      cable.cut();
    });
    add('New');
    await has('subscribeNew');
    assert.equal(cuts, 1);
  }).timeout(20_000);

  it('declares what its points missed before anybody knew them', async () => {
    const { cable, run, has, gaps } = await begin();
    await cable.pull();
    const beganMs = Date.now();
    run();
    await new Promise((resolve) => setTimeout(resolve, 500));
    await cable.plug();
    await has('subscribeOld');
    await has('pollOld');
    const missed = () =>
      gaps
        .filter(({ reason, fromTimeMs }) => reason === 'device-away' && fromTimeMs - beganMs < 400)
        .flatMap(({ points }) => points.map(({ name }) => name));
    while (['pollOld', 'subscribeOld'].some((name) => !missed().includes(name)))
      await new Promise((resolve) => setTimeout(resolve, 20));
  }).timeout(20_000);
});
