import assert from 'node:assert/strict';
import { once } from 'node:events';
import type net from 'node:net';
import { Worker } from 'node:worker_threads';
import { planOf } from './modbus-plan.ts';
import { type Plant, startNetworkPlant } from './plant.ts';
import { answerTo, startRawServer } from './raw-server.ts';
import { connectorOf, never, openRig, type Rig } from './rig.ts';

const POINTS = {
  first: { address: { holding: 0 }, type: 'uint16' },
  hundred: { address: { holding: 100 }, type: 'uint16' },
} as const;
const DEVICES = { press: { settings: { unit: 1 }, points: POINTS } };

/** Answers to a read of one register, while the thread of the test does something else. */
const DEVICE_OF_ITS_OWN = `
  const server = require('node:net').createServer((socket) => socket.on('error', () => {}).on('data', (request) =>
    socket.write(Buffer.from([...request.subarray(0, 2), 0, 0, 0, 5, 1, 3, 2, 0, 1]))));
  server.listen(0, '127.0.0.1', () => require('node:worker_threads').parentPort.postMessage(server.address().port));
`;

describe('Modbus TCP: the connection', () => {
  let plant: Plant | undefined;
  let server: net.Server | undefined;
  let rig: Rig | undefined;

  afterEach(async () => {
    await rig?.session.close();
    await plant?.dispose();
    server?.close();
    rig = plant = server = undefined;
  });

  const startPlant = async (keys = {}): Promise<Rig & Pick<Plant, 'faults' | 'planOf'>> => {
    plant = await startNetworkPlant('modbus-tcp');
    rig = await openRig(plant.planOf(DEVICES, { timeout: '5 s', retries: 0, ...keys }));
    return { ...rig, faults: plant.faults, planOf: plant.planOf };
  };
  const startRaw = async (handle: (socket: net.Socket, request: Buffer) => void, keys = {}): Promise<Rig> => {
    server = await startRawServer(handle);
    const { port } = server.address() as net.AddressInfo;
    rig = await openRig(planOf('modbus-tcp', { host: '127.0.0.1', port, timeout: '5 s', retries: 0, ...keys }, DEVICES));
    return rig;
  };

  it('is lost, and what was under way is settled at once, when the device resets it', async () => {
    const { faults, session, value, connector } = await startPlant();
    faults.add({ kind: 'reset' });
    await assert.rejects(value('first'), { code: 'LINK_CLOSED' });
    assert.equal((await session.lost).code, 'LINK_CLOSED');
    assert.equal(connector.status().devices.press?.state, 'down');
  });

  it('is lost, and what was under way is settled at once, when the device ends it', async () => {
    const { session, value } = await startRaw((socket) => socket.end());
    await assert.rejects(value('first'), { code: 'LINK_CLOSED' });
    assert.equal((await session.lost).code, 'LINK_CLOSED');
  });

  for (const [how, hangUp] of [
    ['ends', (socket: net.Socket) => void socket.end()],
    ['resets', (socket: net.Socket) => void socket.resetAndDestroy()],
  ] as const) {
    it(`is told as one that was perhaps never meant for us, when the device ${how} it before any answer, and only then`, async () => {
      const unanswered = await startRaw(hangUp);
      await assert.rejects(unanswered.value('first'), {
        code: 'LINK_CLOSED',
        message: /before any answer: is this its Modbus port/,
      });
      await unanswered.session.close();
      server?.close();
      let isFirst = true;
      const answered = await startRaw((socket, request) => {
        if (isFirst) socket.write(answerTo(request));
        else hangUp(socket);
        isFirst = false;
      });
      assert.equal(await answered.value('first'), 1);
      await assert.rejects(answered.value('first'), (error: Error) => !error.message.includes('before any answer'));
    });
  }

  for (const [what, fault] of [
    ['a protocol id that is not 0', { kind: 'wrong-protocol' }],
    ['a frame of 65535 bytes', { kind: 'lying-length', length: 65_535 }],
    ['a frame of no bytes', { kind: 'lying-length', length: 0 }],
    ['a frame of one byte', { kind: 'lying-length', length: 1 }],
    ['a length that contradicts the byte count', { kind: 'lying-length', length: 4 }],
  ] as const) {
    it(`is given up after ${what}, and the next one is in step`, async () => {
      const { faults, session, value, planOf } = await startPlant();
      const removeFault = faults.add(fault);
      await assert.rejects(value('first'), { code: 'LINK_PROTOCOL' });
      assert.equal((await session.lost).code, 'LINK_PROTOCOL');
      removeFault();
      await session.close();
      rig = await openRig(planOf(DEVICES));
      assert.equal(await rig.value('hundred'), 100);
    });
  }

  it('is given up when half an answer is all that comes', async () => {
    const { faults, value } = await startPlant({ timeout: '80 ms' });
    faults.add({ kind: 'cut', bytes: 2 });
    await assert.rejects(value('first'), { code: 'LINK_PROTOCOL' });
  });

  it('refuses an exception that another unit sent', async () => {
    const { value, counter } = await startRaw((socket, request) => socket.write(answerTo(request, [9, 0x83, 2])));
    assert.equal(await value('first'), 'BadCommunicationError');
    assert.equal(counter('exceptions'), 0);
    const [reading] = (await rig?.read('first')) ?? [];
    assert.equal(reading?.reason, 'answer of unit 9: unit 1, function 3, address 0, 1 asked');
  });

  it('skips answers with an unknown transaction id', async () => {
    const { value, counter } = await startRaw((socket, request) => {
      const foreign = answerTo(request, [1, 3, 2, 9, 9]);
      foreign.writeUInt16BE(foreign.readUInt16BE(0) ^ 0x100, 0);
      socket.write(Buffer.concat([foreign, answerTo(request)]));
    });
    assert.equal(await value('first'), 1);
    assert.equal(counter('foreign_frames'), 1);
  });

  it('uses no transaction id twice in a thousand requests', async () => {
    const ids: number[] = [];
    const { value } = await startRaw((socket, request) => {
      ids.push(request.readUInt16BE(0));
      socket.write(answerTo(request));
    });
    for (let count = 0; count < 1_000; count += 1) await value('first');
    assert.equal(new Set(ids).size, 1_000);
  });

  it('settles every request of a device that takes no bytes any more', async () => {
    const { value } = await startRaw((socket) => socket.pause(), { timeout: '50 ms', maxTimeouts: 100 });
    assert.deepEqual(await Promise.all([value('first'), value('hundred')]), ['BadTimeout', 'BadTimeout']);
  });

  it('gives an answer that came in time to a machine that was busy until the time was over', async () => {
    const device = new Worker(DEVICE_OF_ITS_OWN, { eval: true });
    try {
      const [port] = await once(device, 'message');
      rig = await openRig(planOf('modbus-tcp', { host: '127.0.0.1', port, timeout: '100 ms', retries: 0 }, DEVICES));
      assert.equal(await rig.value('first'), 1);
      const reading = rig.value('first');
      // The request has left; whatever comes now is not looked at.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
      assert.equal(await reading, 1);
    } finally {
      await device.terminate();
    }
  });

  it('is lost when answers are missing in a row', async () => {
    const { faults, session, value } = await startPlant({ timeout: '50 ms', maxTimeouts: 2 });
    faults.add({ kind: 'silent' });
    assert.equal(await value('first'), 'BadTimeout');
    await value('first').catch(() => {});
    assert.equal((await session.lost).code, 'LINK_TIMEOUT');
  });

  it('stays while one unit is silent and another answers', async () => {
    plant = await startNetworkPlant('modbus-tcp', [1, 2]);
    const silent = { silent: { address: { holding: 1 }, type: 'uint16' } } as const;
    const plan = plant.planOf(
      { ...DEVICES, dead: { settings: { unit: 2 }, points: silent } },
      // Long, as the machine may be busy; and one is enough to give the connection up.
      { timeout: '1 s', retries: 0, maxTimeouts: 1 },
    );
    rig = await openRig(plan);
    plant.faults.add({ kind: 'silent' }, { unit: 2 });
    assert.equal(await rig.value('first'), 0);
    for (let count = 0; count < 2; count += 1) assert.equal(await rig.value('silent'), 'BadTimeout');
    assert.equal(await rig.value('hundred'), 100);
    const { press, dead } = rig.connector.status().devices;
    assert.deepEqual([press?.state, dead?.state, dead?.error?.code], ['up', 'down', 'DEVICE_TIMEOUT']);
  });

  it('cannot be opened to a port where nobody listens, and says so', async () => {
    server = await startRawServer(() => {});
    const { port } = server.address() as net.AddressInfo;
    await new Promise((resolve) => server?.close(resolve));
    const connector = connectorOf(planOf('modbus-tcp', { host: '127.0.0.1', port }, DEVICES));
    await assert.rejects(connector.open(never), { code: 'LINK_REFUSED', subject: 'line' });
  });

  it('reads on over TCP what came in lumps: many answers in one piece, one in many', async () => {
    const { value } = await startRaw((socket, request) => {
      for (const byte of answerTo(request)) socket.write(Buffer.of(byte));
    });
    assert.deepEqual(await Promise.all([value('first'), value('hundred'), value('first')]), [1, 1, 1]);
  });
});
