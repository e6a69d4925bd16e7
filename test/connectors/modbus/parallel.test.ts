import assert from 'node:assert/strict';
import type net from 'node:net';
import { record } from '../../contract/connector.ts';
import { planOf } from './modbus-plan.ts';
import { type Plant, startNetworkPlant } from './plant.ts';
import { answerAddress, portOfServer, startRawServer } from './raw-server.ts';
import { connectorOf, never, openRig, type Rig } from './rig.ts';

const uint16 = (holding: number, intervalMs = 20) => ({ address: { holding }, type: 'uint16' as const, intervalMs });
/** So many poll groups of one point each: each asks by itself. */
const groups = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, uint16(100 * index, 20 + index)]));

describe('Modbus TCP with several requests at once', () => {
  let server: net.Server | undefined;
  let plant: Plant | undefined;
  let rig: Rig | undefined;

  afterEach(async () => {
    await rig?.session.close();
    server?.close();
    await plant?.dispose();
    server = plant = rig = undefined;
  });

  /** Answers when so many requests wait, the last first. */
  const startCollecting = async (wanted: number, keys: object): Promise<{ readonly most: () => number }> => {
    let most = 0;
    let waiting: (() => void)[] = [];
    server = await startRawServer((socket, request) => {
      waiting.push(() => socket.write(answerAddress(Buffer.from(request))));
      most = Math.max(most, waiting.length);
      if (waiting.length < wanted) return;
      const answers = waiting.toReversed();
      waiting = [];
      for (const answer of answers) answer();
    });
    const connection = { host: '127.0.0.1', port: portOfServer(server), timeout: '5 s', retries: 0, ...keys };
    rig = await openRig(planOf('modbus-tcp', connection, { press: { points: groups(8) } }));
    return { most: () => most };
  };

  for (const keys of [{ maxInFlight: 4 }, { connections: 4 }, { connections: 2, maxInFlight: 2 }]) {
    it(`has four under way with ${JSON.stringify(keys)}, and gives each its own answer in whatever order they come`, async () => {
      const { most } = await startCollecting(4, keys);
      assert.ok(rig);
      const recorded = record(rig.session);
      for (let index = 0; index < 8; index += 1)
        await recorded.wait(({ point, value }) => point.name === `p${index}` && value === 100 * index);
      for (const { readings } of recorded.batches)
        for (const { point, value } of readings) assert.equal(value, 100 * Number(point.name.slice(1)));
      assert.equal(most(), 4);
    });
  }

  it('has one under way where nothing is said', async () => {
    const { most } = await startCollecting(1, {});
    assert.ok(rig);
    const recorded = record(rig.session);
    await recorded.wait(({ point }) => point.name === 'p7');
    assert.equal(most(), 1);
  });

  it('throws the late answer to one of several away, and no other is disturbed', async () => {
    const late: (() => void)[] = [];
    server = await startRawServer((socket, request) => {
      const answer = answerAddress(Buffer.from(request));
      if (late.length === 0 && request[9] === 100) late.push(() => socket.write(answer));
      else socket.write(answer);
    });
    const keys = { maxInFlight: 4, timeout: '300 ms', retries: 1, maxTimeouts: 100 };
    rig = await openRig(
      planOf('modbus-tcp', { host: '127.0.0.1', port: portOfServer(server), ...keys }, { press: { points: groups(4) } }),
    );
    const recorded = record(rig.session);
    await recorded.wait(({ point, value }) => point.name === 'p1' && value === 100);
    late[0]?.();
    const before = recorded.batches.length;
    while (recorded.batches.length < before + 20) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual([rig.counter('late_replies'), rig.counter('timeouts'), rig.counter('foreign_frames')], [1, 1, 0]);
    for (const { readings } of recorded.batches)
      for (const { point, value } of readings) assert.equal(value, 100 * Number(point.name.slice(1)));
  });

  it('writes one after the other even so', async () => {
    plant = await startNetworkPlant('modbus-tcp');
    const bits = Object.fromEntries(
      Array.from({ length: 8 }, (_, bit) => [`b${bit}`, { address: { holding: 300, bit }, access: 'read-write' as const }]),
    );
    rig = await openRig(plant.planOf({ press: { points: bits } }, { connections: 2, maxInFlight: 4 }));
    const { write } = rig;
    plant.units.get(1)?.memory.holding.fill(0, 300, 301);
    await Promise.all(Object.keys(bits).map((name) => write(name, true)));
    assert.equal(plant.units.get(1)?.memory.holding[300], 0xff);
  });

  it('asks a dead unit as rarely over several connections as over one', async () => {
    plant = await startNetworkPlant('modbus-tcp', [1, 2]);
    plant.faults.add({ kind: 'silent' }, { unit: 2 });
    const devices = { one: { settings: { unit: 1 }, points: groups(4) }, two: { settings: { unit: 2 }, points: groups(6) } };
    const keys = { connections: 3, timeout: '100 ms', retries: 0, maxTimeouts: 100 };
    rig = await openRig(plant.planOf(devices, keys));
    const recorded = record(rig.session);
    for (let index = 0; index < 6; index += 1)
      await recorded.wait(({ point, status }) => point.id === `two/p${index}` && status === 'BadTimeout');
    assert.ok(rig.counter('timeouts') <= 3, `${rig.counter('timeouts')} timeouts, one for each connection at most`);
    const probes = rig.counter('unit_probes');
    await new Promise((resolve) => setTimeout(resolve, 1_300));
    assert.ok(rig.counter('unit_probes') - probes <= 1, `${rig.counter('unit_probes') - probes} probes in the first second`);
    assert.equal(rig.connector.status().devices.two?.state, 'down');
  });

  it('believes a gateway that a unit behind it is silent: the unit is asked rarely, the connection stays', async () => {
    plant = await startNetworkPlant('modbus-tcp', [1, 2]);
    const silent = plant.faults.add({ kind: 'exception', code: 11 }, { unit: 2 });
    const far = Object.fromEntries(
      [0, 1, 2].map((index) => [`p${index}`, { ...uint16(9_000 * index), access: 'read' as const }]),
    );
    const devices = { one: { settings: { unit: 1 }, points: groups(2) }, two: { settings: { unit: 2 }, points: far } };
    rig = await openRig(plant.planOf(devices, { connections: 2, maxTimeouts: 1 }));
    const recorded = record(rig.session);
    await recorded.wait(({ point, status }) => point.id === 'two/p2' && status === 'BadTimeout');
    const before = recorded.batches.length;
    while (recorded.batches.length < before + 10) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.ok(rig.counter('exceptions') <= 2, `${rig.counter('exceptions')} exceptions, though it was asked for three blocks`);
    const { one, two } = rig.connector.status().devices;
    assert.deepEqual([one?.state, two?.state, two?.error?.code], ['up', 'down', 'DEVICE_UNREACHABLE']);
    silent();
    await recorded.wait(({ point, value }) => point.id === 'two/p2' && value === 18_000);
  });

  it('is lost as a whole when one of its connections is', async () => {
    plant = await startNetworkPlant('modbus-tcp');
    rig = await openRig(plant.planOf({ press: { points: groups(4) } }, { connections: 3, timeout: '5 s' }));
    plant.faults.add({ kind: 'reset' }, { times: 1 });
    await assert.rejects(rig.value('p0'), { code: 'LINK_CLOSED' });
    assert.equal((await rig.session.lost).code, 'LINK_CLOSED');
  });

  it('says which connection failed where the device does not take so many', async () => {
    let taken = 0;
    server = await startRawServer(() => {});
    server.on('connection', () => {
      taken += 1;
      if (taken === 2) server?.close();
    });
    const plan = planOf(
      'modbus-tcp',
      { host: '127.0.0.1', port: portOfServer(server), connections: 8 },
      { press: { points: {} } },
    );
    await assert.rejects(connectorOf(plan).open(never), { code: 'LINK_REFUSED', message: /of 8 failed.*lower `connections`/ });
  });
});
