import assert from 'node:assert/strict';
import { DataType, resolveNodeId, Variant } from 'node-opcua';
import type { DeviceGap } from '../../../src/model/device-gap.ts';
import { addMachine, type Machine } from '../../support/opcua-machine.ts';
import { startOpcuaServer, type TestServer } from '../../support/opcua-server.ts';
import { type ServerSubscription, sessionsOf } from '../../support/opcua-sessions.ts';
import { TcpCable } from '../../support/tcp-cable.ts';
import { Bench } from './support.ts';
import { eventPlan, saying, Told } from './told.ts';

const ALARMS = { type: 'i=2915' };

describe('OPC UA events that are lost', function () {
  this.timeout(30_000);
  let server: TestServer;
  let machine: Machine;
  const bench = new Bench();

  before(async () => {
    server = await startOpcuaServer();
    machine = await addMachine(server.server);
  });
  after(() => server.stop());
  beforeEach(() => bench.begin());
  afterEach(async () => {
    await bench.end();
    run(true);
  });

  const run = (value: boolean) => machine.set('Running', { dataType: DataType.Boolean, value });

  const briefly = ({ device, reason, points, readings, isOver }: DeviceGap) => {
    return { device, reason, points: points.map(({ name }) => name), readings, isOver };
  };

  function subscriptionsOfEvents(): readonly ServerSubscription[] {
    return Object.values(sessionsOf(server)).flatMap(({ publishEngine }) => publishEngine.subscriptions);
  }

  it('with a message that the server does not have any more are declared, and alarms that are present are told', async () => {
    const told = await new Told(await bench.open(bench.connector(eventPlan(server.url, { all: {}, alarms: ALARMS })))).watched(
      machine,
    );
    const fromTimeMs = Date.now();
    const [subscription] = subscriptionsOfEvents();
    assert.ok(subscription);
    const items = [...subscription.monitoredItems.values()];
    // What the machine says is lost together with the number of its message.
    for (const item of items) item._enqueue_event = () => {};
    run(false);
    for (const item of items) Reflect.deleteProperty(item, '_enqueue_event');
    subscription._sequence_number_generator.next();
    machine.raise('after', 100, 1);
    await told.until(saying('after'));
    assert.deepEqual(told.gaps.map(briefly), [
      { device: 'press', reason: 'subscription-gap', points: ['all', 'alarms'], readings: 0, isOver: true },
    ]);
    const [gap] = told.gaps;
    assert.ok(
      gap !== undefined && gap.fromTimeMs <= fromTimeMs && gap.fromTimeMs > fromTimeMs - 2_000 && gap.toTimeMs >= fromTimeMs,
    );
    await told.until(({ name, body }) => name === 'alarms' && body.ActiveState === true);
  });

  for (const [whose, fields] of [
    ['of the standard', [{}, { dataType: DataType.NodeId, value: resolveNodeId('i=3035') }]],
    ['of open62541, which has no other field', [{ dataType: DataType.NodeId, value: resolveNodeId('i=4035') }]],
  ] as const) {
    it(`in the queue of an entry are declared by the overflow event ${whose}`, async () => {
      const made = bench.connector(eventPlan(server.url, { all: {}, severe: { severityAtLeast: 500 } }));
      const told = await new Told(await bench.open(made)).watched(machine);
      const [subscription] = subscriptionsOfEvents();
      const severe = [...(subscription?.monitoredItems.values() ?? [])].at(-1);
      severe?._enqueue_event(fields.map((field) => new Variant(field)));
      machine.raise('after', 900, 1);
      await told.until(({ name, body }) => name === 'severe' && body.Message === 'after');
      assert.deepEqual(told.gaps.map(briefly), [
        { device: 'press', reason: 'queue-overflow', points: ['severe'], readings: 0, isOver: true },
      ]);
      assert.deepEqual(
        told.events.filter(({ body }) => body.Message === undefined),
        [],
      );
      assert.equal(made.status().counters.overflows, 1);
    });
  }

  it('between two sessions are declared where nobody collected them', async () => {
    const cable = new TcpCable(server.port);
    await cable.plug();
    bench.onEnd(() => cable.pull());
    const made = bench.connector(eventPlan(`opc.tcp://127.0.0.1:${cable.port}`, { all: {} }, { keepAlive: '400 ms' }));
    const session = await bench.open(made);
    await new Told(session).watched(machine);
    const [subscription] = subscriptionsOfEvents();
    await cable.pull();
    await session.lost;
    subscription?.terminate();
    await session.close();
    const lostMs = Date.now();
    machine.raise('between two sessions', 100, 1);
    await cable.plug();
    const after = await new Told(await bench.open(made)).watched(machine);
    assert.deepEqual(after.of('all').includes('between two sessions'), false);
    assert.deepEqual(after.gaps.map(briefly), [
      { device: 'press', reason: 'device-away', points: ['all'], readings: 0, isOver: true },
    ]);
    const [gap] = after.gaps;
    assert.ok(gap !== undefined && gap.fromTimeMs <= lostMs && gap.toTimeMs >= lostMs);
  });

  it('because the server does not watch an entry are declared now and then', async () => {
    const told = new Told(
      await bench.open(bench.connector(eventPlan(server.url, { all: {}, lost: { source: 'nsu=urn:nobody;s=A' } }))),
    );
    while (told.gaps.length === 0) await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual(told.gaps.map(briefly), [
      { device: 'press', reason: 'refused', points: ['lost'], readings: 0, isOver: undefined },
    ]);
  });
});
