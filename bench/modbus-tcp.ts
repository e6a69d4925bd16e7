import modbusSerial from 'modbus-serial';
import { devicePoints, type ModbusPlan } from '../connectors/modbus/mapping/plan.ts';
import { readCost } from '../connectors/modbus/planning/read-cost.ts';
import { placePoint } from '../connectors/modbus/planning/read-items.ts';
import { RefusedRanges } from '../connectors/modbus/planning/refused-ranges.ts';
import { PollGroupReader } from '../connectors/modbus/polling/poll-group-reader.ts';
import { systemClock as clock } from '../src/runtime/clock.ts';
import { silentLog as log } from '../src/runtime/log.ts';
import { planOf } from '../test/connectors/modbus/modbus-plan.ts';
import type { Bench } from './harness/bench.ts';
import { startChild } from './harness/child.ts';
import { compare } from './harness/compare.ts';
import type { Effort } from './harness/effort.ts';
import type { Row } from './harness/row.ts';
import { type Sample, sample } from './harness/sample.ts';
import { BareSocket } from './modbus/bare-socket.ts';
import { count, never, type OpenLine, openLine } from './modbus/open-line.ts';

const REGISTERS = 125;
const REQUEST = { function: 3, unit: 1, address: 0, count: REGISTERS } as const;
const LIMIT =
  'a socket loop that counts bytes and checks nothing; 125 holding registers a request, one in flight on each connection';

/** Modbus TCP: what strictness costs beside a bare socket, and what decoding costs beside modbus-serial. */
export const modbusTcp: Bench = async (effort) => {
  const server = await startChild<{ port: number }>(import.meta.url, './modbus/register-server.ts');
  try {
    const { port } = server.ready;
    return [
      ...(await againstSocket(port, 1, effort)),
      ...(await againstSocket(port, 10, effort)),
      ...(await decoding(port, effort)),
    ];
  } finally {
    await server.stop();
  }
};

async function againstSocket(port: number, connections: number, effort: Effort): Promise<readonly Row[]> {
  const { sampleMs } = effort;
  const plan = planOf('modbus-tcp', { host: '127.0.0.1', port }, { press: { points: {} } });
  const lines = await times(connections, () => openLine(plan));
  const sockets = await times(connections, () => BareSocket.open(port));
  const suffix = connections === 1 ? '1 connection' : `${connections} connections`;
  const shared = connections === 1 ? '' : '; client and server share the cores of one machine';
  try {
    return await compare(
      {
        rows: {
          perSecond: { name: `modbus-tcp, ${suffix}`, unit: 'requests/s', note: LIMIT + shared },
          cpuMicros: { name: `modbus-tcp, ${suffix}, CPU`, unit: 'µs/request', note: LIMIT },
        },
        ours: () => sampleAll(lines, (line) => askFor(line, sampleMs)),
        limit: () => sampleAll(sockets, (socket) => socket.run(sampleMs)),
      },
      effort,
    );
  } finally {
    for (const line of lines) await line.close();
    for (const socket of sockets) socket.close();
  }
}

async function decoding(port: number, effort: Effort): Promise<readonly Row[]> {
  const { sampleMs } = effort;
  const connections = 10;
  const plan = planOf('modbus-tcp', { host: '127.0.0.1', port }, { press: { points: registerPoints() } });
  const lines = await times(connections, () => openLine(plan));
  const clients = await times(connections, () => openLibraryClient(port));
  const note = 'modbus-serial reading the same without decoding; ours to the readings of 125 points';
  try {
    return await compare(
      {
        rows: { cpuMicros: { name: 'modbus-tcp, 10 connections, CPU, decoded', unit: 'µs/request', note } },
        ours: () =>
          sampleAll(
            lines.map((line) => pollReader(plan, line)),
            (reader) => repeat(sampleMs, () => reader.poll(never)),
          ),
        limit: () => sampleAll(clients, (client) => repeat(sampleMs, () => client.readHoldingRegisters(0, REGISTERS))),
      },
      effort,
    );
  } finally {
    for (const line of lines) await line.close();
    for (const client of clients) client.close(() => {});
  }
}

function askFor({ line }: OpenLine, forMs: number): Promise<number> {
  return repeat(forMs, () => line.use({ unit: 1, deadlineMs: 0 }, never, (ask) => ask(REQUEST)));
}

function pollReader(plan: ModbusPlan, { line, units }: OpenLine): PollGroupReader {
  const [device] = plan.devices;
  if (device === undefined) throw new Error('the plan has no device');
  const points = devicePoints(device).map((point) => placePoint(point, device.settings));
  const ask = (request: Parameters<Parameters<Parameters<typeof line.use>[2]>[0]>[0]) =>
    line.use({ unit: 1, deadlineMs: 0 }, never, (go) => go(request));
  const refused = new RefusedRanges(clock);
  const cost = () => readCost(plan);
  const { twin, settings } = device;
  return new PollGroupReader({ twin, device: settings, points, ask, atOnce: 1, units, cost, refused, clock, count, log });
}

function registerPoints() {
  const names = Array.from({ length: REGISTERS }, (_, register) => [
    `p${register}`,
    { address: { holding: register }, type: 'uint16' as const },
  ]);
  return Object.fromEntries(names);
}

interface LibraryClient {
  connectTCP(host: string, options: { readonly port: number }): Promise<void>;
  setID(unit: number): void;
  setTimeout(ms: number): void;
  readHoldingRegisters(address: number, registers: number): Promise<unknown>;
  close(closed: () => void): void;
}

async function openLibraryClient(port: number): Promise<LibraryClient> {
  // The package's default export is the class at run time, whatever its typings say under `nodenext`.
  const client = new (modbusSerial as unknown as new () => LibraryClient)();
  await client.connectTCP('127.0.0.1', { port });
  client.setID(1);
  client.setTimeout(1_000);
  return client;
}

/** One after the other for so long; resolves with how many there were. */
async function repeat(forMs: number, work: () => Promise<unknown>): Promise<number> {
  const untilMs = performance.now() + forMs;
  let done = 0;
  for (; performance.now() < untilMs; done += 1) await work();
  return done;
}

function sampleAll<T>(lanes: readonly T[], run: (lane: T) => Promise<number>): Promise<Sample> {
  return sample(async () => (await Promise.all(lanes.map(run))).reduce((sum, done) => sum + done, 0));
}

function times<T>(number: number, make: () => Promise<T>): Promise<readonly T[]> {
  return Promise.all(Array.from({ length: number }, make));
}
