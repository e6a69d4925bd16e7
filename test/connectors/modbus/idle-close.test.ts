import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { withCrc } from '../../../connectors/modbus/protocol/crc.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { planOf } from './modbus-plan.ts';
import { answerAddress, portOfServer, startRawServer } from './raw-server.ts';
import { connectorOf, openRig, type Rig } from './rig.ts';

const POINTS = {
  first: { address: { holding: 0 }, type: 'uint16' },
  hundred: { address: { holding: 100 }, type: 'uint16' },
} as const;
const DEVICES = { press: { settings: { unit: 1 }, points: POINTS } };
const HANG_UP = {
  ends: (socket: net.Socket) => void socket.end(),
  resets: (socket: net.Socket) => void socket.resetAndDestroy(),
};

describe('Modbus over TCP: a device that hangs up while nothing is asked', () => {
  let server: net.Server;
  let rig: Rig | undefined;
  let connections: net.Socket[];

  const listenTo = (started: net.Server) => {
    server = started;
    connections = [];
    server.on('connection', (socket) => connections.push(socket));
  };
  const open = async (protocol: 'modbus-tcp' | 'modbus-rtu-over-tcp' = 'modbus-tcp', keys = {}): Promise<Rig> => {
    const connection = { host: '127.0.0.1', port: portOfServer(server), timeout: '1 s', retries: 0, ...keys };
    rig = await openRig(planOf(protocol, connection, DEVICES));
    return rig;
  };
  /** Until the gateway has seen it. */
  const hangUp = async (how: keyof typeof HANG_UP = 'ends') => {
    const socket = connections.at(-1);
    if (socket === undefined) throw new Error('nobody has connected');
    const closed = once(socket, 'close');
    HANG_UP[how](socket);
    await closed;
    await systemClock.sleep(20);
  };
  const isLost = async () => (await Promise.race([rig?.session.lost, systemClock.sleep(50)])) !== undefined;

  afterEach(async () => {
    await rig?.session.close();
    rig = undefined;
    for (const socket of connections) socket.destroy();
    server.close();
  });

  for (const how of ['ends', 'resets'] as const) {
    it(`is no loss when it ${how} the connection; the next request opens another`, async () => {
      listenTo(await startRawServer((socket, request) => socket.write(answerAddress(request))));
      const { value, counter } = await open();
      for (let times = 1; times <= 3; times += 1) {
        assert.equal(await value('hundred'), 100);
        await hangUp(how);
        assert.equal(connections.length, times);
      }
      assert.equal(await isLost(), false);
      assert.deepEqual([counter('timeouts'), counter('bad_frames')], [0, 0]);
    });
  }

  it('is no loss on a line behind a converter either, where it ends the connection after each answer', async () => {
    const started = net.createServer((socket) =>
      socket.on('error', () => {}).on('data', () => socket.end(withCrc(Buffer.of(1, 3, 2, 0, 7)))),
    );
    listenTo(started.listen(0, '127.0.0.1'));
    await once(started, 'listening');
    const { value } = await open('modbus-rtu-over-tcp');
    for (let times = 1; times <= 3; times += 1) {
      assert.equal(await value('hundred'), 7);
      await systemClock.sleep(20);
    }
    assert.equal(connections.length, 3);
    assert.equal(await isLost(), false);
  });

  it('is asked over one new connection, however many want to know', async () => {
    listenTo(await startRawServer((socket, request) => socket.write(answerAddress(request))));
    const { value } = await open('modbus-tcp', { maxInFlight: 4 });
    await value('first');
    await hangUp();
    assert.deepEqual(await Promise.all([value('first'), value('hundred'), value('first')]), [0, 100, 0]);
    assert.equal(connections.length, 2);
  });

  it('is asked again when it hangs up just as it is asked after a rest; a write is not repeated', async () => {
    const asked: (number | undefined)[] = [];
    let hangsUp = false;
    listenTo(
      await startRawServer((socket, request) => {
        asked.push(request[7]);
        if (hangsUp) socket.end();
        else socket.write(answerAddress(request));
        hangsUp = false;
      }),
    );
    const { value, write, session } = await open();
    assert.equal(await value('hundred'), 100);
    await systemClock.sleep(1_100);
    hangsUp = true;
    assert.equal(await value('hundred'), 100);
    assert.deepEqual([asked, connections.length, await isLost()], [[3, 3, 3], 2, false]);
    await systemClock.sleep(1_100);
    hangsUp = true;
    await assert.rejects(write('hundred', 7), { code: 'LINK_CLOSED' });
    assert.equal((await session.lost).code, 'LINK_CLOSED');
    assert.deepEqual(asked, [3, 3, 3, 6]);
  });

  it('is lost when it hangs up twice, or as it is asked without a rest before', async () => {
    let answers = 1;
    listenTo(
      await startRawServer((socket, request) => {
        answers -= 1;
        if (answers < 0) socket.end();
        else socket.write(answerAddress(request));
      }),
    );
    const first = await open();
    await first.value('first');
    await assert.rejects(first.value('first'), { code: 'LINK_CLOSED' });
    assert.equal(connections.length, 1);
    await first.session.close();
    answers = 1;
    const second = await open();
    await second.value('first');
    await systemClock.sleep(1_100);
    await assert.rejects(second.value('first'), { code: 'LINK_CLOSED' });
    assert.equal(connections.length, 3);
  });

  it('is lost when the next request cannot open another', async () => {
    listenTo(await startRawServer((socket, request) => socket.write(answerAddress(request))));
    const { value, session, connector } = await open();
    await value('first');
    server.close();
    await hangUp();
    await assert.rejects(value('first'), { code: 'LINK_REFUSED' });
    assert.equal((await session.lost).code, 'LINK_REFUSED');
    assert.equal(connector.status().devices.press?.state, 'down');
  });

  it('is lost when it hangs up before it has answered anything, or in the middle of an answer', async () => {
    listenTo(await startRawServer((socket, request) => socket.write(answerAddress(request))));
    const { session } = await open();
    await hangUp();
    assert.equal((await session.lost).code, 'LINK_CLOSED');
    await session.close();
    const again = await open();
    await again.value('first');
    connections.at(-1)?.write(Buffer.of(9, 9, 0));
    await hangUp();
    assert.equal((await again.session.lost).code, 'LINK_CLOSED');
  });

  it('leaves nothing open when the gateway closes while another is opened', async () => {
    listenTo(await startRawServer((socket, request) => socket.write(answerAddress(request))));
    const { value, session } = await open('modbus-tcp', { pauseAfterConnect: '300 ms' });
    await value('first');
    await hangUp();
    const reading = value('first');
    while (connections.length < 2) await systemClock.sleep(5);
    const [, second] = connections;
    await session.close();
    await assert.rejects(reading, { code: 'LINK_CLOSED' });
    if (second?.closed === false) await once(second.resume(), 'close');
  });

  it('is given `pauseAfterConnect` before it is asked, each time', async () => {
    let connectedMs = 0;
    const afterMs: number[] = [];
    listenTo(
      await startRawServer((socket, request) => {
        afterMs.push(performance.now() - connectedMs);
        socket.write(answerAddress(request));
      }),
    );
    server.on('connection', () => {
      connectedMs = performance.now();
    });
    const { value } = await open('modbus-tcp', { pauseAfterConnect: '100 ms' });
    await value('first');
    await hangUp();
    await value('first');
    assert.ok(Math.min(...afterMs) >= 95, afterMs.join(', '));
  });

  it('stops an attempt to open at once', async () => {
    listenTo(await startRawServer(() => {}));
    const stopping = new AbortController();
    const keys = { host: '127.0.0.1', port: portOfServer(server), pauseAfterConnect: '10 s' };
    const opening = connectorOf(planOf('modbus-tcp', keys, DEVICES)).open(stopping.signal);
    while (connections.length === 0) await systemClock.sleep(5);
    stopping.abort(new Error('enough'));
    await assert.rejects(opening, /enough/);
    const [socket] = connections;
    if (socket?.closed === false) await once(socket.resume(), 'close');
  });
});
