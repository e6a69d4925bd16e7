import assert from 'node:assert/strict';
import type net from 'node:net';
import type { Reading } from '../../../src/model/reading.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import { acquire } from '../../../src/southbound/acquisition.ts';
import { planOf } from './modbus-plan.ts';
import { answerAddress, answerTo, portOfServer, startRawServer } from './raw-server.ts';
import { connectorOf } from './rig.ts';

const POINTS = { hundred: { address: { holding: 100 }, type: 'uint16', intervalMs: 40 } } as const;
const BACK_OFF = { firstMs: 20, maxMs: 40, resetAfterMs: 10_000 };

describe('Modbus TCP: a connection that was lost', () => {
  /** What the device does with a request. */
  let act: (socket: net.Socket, request: Buffer) => void;
  let server: net.Server;
  let connections: number;
  /** `up`, or the code and reason of a loss. */
  let told: string[];
  let readings: Reading[];
  let stop: () => Promise<void>;

  const answer = (socket: net.Socket, request: Buffer) => void socket.write(answerAddress(request));
  const keep = async (units: readonly number[], keys = {}) => {
    server = await startRawServer((socket, request) => act(socket, request));
    connections = 0;
    server.on('connection', () => {
      connections += 1;
    });
    const devices = Object.fromEntries(units.map((unit) => [`unit-${unit}`, { settings: { unit }, points: POINTS }]));
    const connection = { host: '127.0.0.1', port: portOfServer(server), timeout: '100 ms', retries: 0, maxTimeouts: 2, ...keys };
    const plan = planOf('modbus-tcp', connection, devices);
    [told, readings] = [[], []];
    const stopping = new AbortController();
    const { done } = acquire(connectorOf(plan), {
      ...{ plan, clock: systemClock, log: silentLog, signal: stopping.signal, backOff: BACK_OFF },
      onBatch: (batch) => readings.push(...batch.readings),
      onState: (state) => {
        if (state.state === 'up') told.push('up');
        if (state.state === 'waiting') told.push(`${state.error.code}: ${state.error.message}`);
      },
    });
    stop = async () => {
      stopping.abort();
      await done;
    };
  };
  const until = async (isSo: () => boolean) => {
    for (let tries = 0; tries < 1_000 && !isSo(); tries += 1) await systemClock.sleep(10);
    assert.ok(isSo(), `told: ${told.join(', ')}`);
  };
  const isGood = (unit: number) => readings.some(({ point, quality }) => point.device === `unit-${unit}` && quality === 'good');

  afterEach(async () => {
    await stop();
    server.close();
  });

  it('is up again when the device answers, not when it takes connections', async () => {
    act = () => {};
    await keep([1]);
    await until(() => connections > 3);
    const [first, second, ...others] = told;
    assert.equal(first, 'up');
    assert.match(second ?? '', /^LINK_TIMEOUT: 2 answers missing in a row/);
    assert.ok(others.length >= 1);
    assert.deepEqual([...new Set(others)], [second], 'the same again and again, so that the log is quiet');
    act = answer;
    await until(() => isGood(1));
    assert.equal(told.at(-1), 'up');
    assert.equal(told.filter((state) => state === 'up').length, 2);
  });

  it('is up again when the device answers, not when it takes connections and drops them', async () => {
    act = (socket) => void socket.end();
    await keep([1]);
    await until(() => connections > 3);
    assert.deepEqual([told[0], ...new Set(told.slice(1).map((state) => state.slice(0, 11)))], ['up', 'LINK_CLOSED']);
    act = answer;
    await until(() => isGood(1));
    assert.equal(told.filter((state) => state === 'up').length, 2);
  });

  it('is up again when one unit answers, be it with an exception; who answered last is asked first', async () => {
    act = (socket, request) => {
      if (request[6] === 3) answer(socket, request);
    };
    await keep([1, 2, 3]);
    await until(() => isGood(3));
    act = () => {};
    await until(() => told.length > 1);
    const asked: (number | undefined)[] = [];
    act = (socket, request) => {
      asked.push(request[6]);
      if (request[6] === 3) socket.write(answerTo(request, [3, 0x83, 2]));
    };
    await until(() => told.at(-1) === 'up');
    assert.equal(asked[0], 3);
  });

  it('is up at once, and nothing is read beside the polls, where the device answered until it was lost', async () => {
    let reads = 0;
    act = (socket, request) => {
      reads += 1;
      if (reads === 5) socket.resetAndDestroy();
      else socket.write(answerTo(request, [1, 3, 2, 0, reads]));
    };
    await keep([1]);
    const values = () => readings.flatMap(({ quality, value }) => (quality === 'good' ? [value] : []));
    await until(() => values().length > 6);
    assert.deepEqual(values().slice(0, 7), [1, 2, 3, 4, 6, 7, 8]);
    assert.deepEqual(
      told.map((state) => state.slice(0, 11)),
      ['up', 'LINK_CLOSED', 'up'],
    );
  });

  it('asks each unit in the end where none was ever heard', async () => {
    act = () => {};
    await keep([1, 2, 3, 4, 5]);
    act = (socket, request) => {
      if (request[6] === 5) answer(socket, request);
      else if (told.length === 1) socket.resetAndDestroy();
    };
    await until(() => isGood(5));
  });

  it('is told as one of a slow device where answers come, too late', async () => {
    act = (socket, request) => void setTimeout(answer, 150, socket, request);
    await keep([1], { maxTimeouts: 3 });
    await until(() => told.length > 1);
    assert.match(
      told[1] ?? '',
      /^LINK_TIMEOUT: 3 answers missing in a row, though one came after \d+ ms: is `timeout` too short\?$/,
    );
  });

  it('does not hold up a stop while the device is silent', async () => {
    act = (socket) => void socket.resetAndDestroy();
    await keep([1], { timeout: '10 s' });
    await until(() => told.length > 1);
    act = () => {};
    const before = connections;
    await until(() => connections > before);
    const startedMs = performance.now();
    await stop();
    assert.ok(performance.now() - startedMs < 2_000);
  });
});
