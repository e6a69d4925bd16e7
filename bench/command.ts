import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as connectTcp, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import type { Bench } from './harness/bench.ts';
import { startBenchBroker } from './harness/broker.ts';
import { GATEWAY_NODE_OPTIONS, startChild } from './harness/child.ts';
import type { Row } from './harness/row.ts';

const UNITS = 10;
const POINTS_PER_UNIT = 1_000;
/** Over the time that the device itself takes. */
const AIM_MS = 50;
const SETPOINT = POINTS_PER_UNIT;

/** From the hub to a Modbus register and back, checked, written, read back and answered, while 10 000 points are polled each second. */
export const command: Bench = async ({ isQuick }) => {
  const count = isQuick ? 20 : 500;
  const directory = await mkdtemp(join(tmpdir(), 'bench-command-'));
  const broker = await startBenchBroker();
  const plc = await startChild<{ port: number }>(import.meta.url, './command/plc.ts', [String(UNITS)]);
  await writeFile(join(directory, 'gateway.yaml'), gatewayYaml(directory, broker.port));
  await writeFile(join(directory, 'press.yaml'), mappingYaml(plc.ready.port));
  const gateway = await startChild<{ isUp: true }>(import.meta.url, './command/gateway.ts', [directory], GATEWAY_NODE_OPTIONS);
  const client = await connectAsync({ host: '127.0.0.1', port: broker.port, reconnectPeriod: 0, protocolVersion: 5 });
  // The acknowledgement of one answer would hold back the next command.
  (client.stream as unknown as Socket).setNoDelay(true);
  try {
    const bare = await bareTimes(plc.ready.port, count);
    await commandTimes(client, Math.min(20, count), 'warm-up');
    const times = await commandTimes(client, count, 'c');
    return [50, 99].map((percent) => toRow(percent, times, percentile(bare, percent), broker.name));
  } finally {
    await client.endAsync(true);
    await gateway.stop();
    await plc.stop();
    await broker.stop();
    await rm(directory, { recursive: true, force: true });
  }
};

function toRow(percent: number, times: readonly number[], deviceMs: number, broker: string): Row {
  const ours = percentile(times, percent);
  const limit = AIM_MS + deviceMs;
  const note = `${times.length} commands one after the other, each written and read back, over ${broker}, while ${UNITS} units × ${POINTS_PER_UNIT} points are polled at 1 s on the same connection; the aim for p99: ${AIM_MS} ms and what the device alone takes for write and read (${deviceMs.toFixed(2)} ms)`;
  return { name: `command p${percent}`, unit: 'ms', ours, limit, ratio: ours / limit, spread: 0, runs: 1, note };
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}

/** At times that have nothing to do with those of the polls. */
async function commandTimes(client: MqttClient, count: number, prefix: string): Promise<readonly number[]> {
  await client.subscribeAsync('bench/press-1/result', { qos: 1 });
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const sent = JSON.stringify({ id: `${prefix}-${index}`, desired: { setpoint: (index % 1_000) + 1 } });
    const answered = new Promise<Buffer>((resolve) => client.once('message', (_topic, told) => resolve(told)));
    const startedMs = performance.now();
    await client.publishAsync('bench/press-1/command', sent, { qos: 1 });
    const payload = await answered;
    times.push(performance.now() - startedMs);
    const { id, status } = JSON.parse(payload.toString()) as { id: string; status: string };
    if (id !== `${prefix}-${index}` || status !== 'done') throw new Error(`expected a done command, got ${payload}`);
    await new Promise((resolve) => setTimeout(resolve, 17));
  }
  return times;
}

/** What the device alone takes to write one register and read it, on a bare socket. */
async function bareTimes(port: number, count: number): Promise<readonly number[]> {
  const socket = connectTcp({ host: '127.0.0.1', port, noDelay: true });
  await once(socket, 'connect');
  const ask = async (functionCode: number, value: number) => {
    const request = Buffer.from([0, 1, 0, 0, 0, 6, 1, functionCode, 0, 0, 0, 0]);
    request.writeUInt16BE(SETPOINT, 8);
    request.writeUInt16BE(value, 10);
    socket.write(request);
    await once(socket, 'data');
  };
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const startedMs = performance.now();
    await ask(6, 1);
    await ask(3, 1);
    times.push(performance.now() - startedMs);
  }
  socket.destroy();
  return times;
}

function gatewayYaml(directory: string, port: number): string {
  return `gateway: { id: bench }
hubs: { cloud: { dialect: mqtt, url: "mqtt://127.0.0.1:${port}" } }
spool: { directory: ${join(directory, 'spool')} }
operations: { port: 0 }
mappings: [ press.yaml ]
`;
}

function mappingYaml(port: number): string {
  const instances = Array.from(
    { length: UNITS },
    (_, index) => `  - { twin: press-${index + 1}, connection: { unit: ${index + 1} } }`,
  );
  const points = Array.from({ length: POINTS_PER_UNIT }, (_, index) => `  p${index}: { address: { holding: ${index} } }`);
  return `connection: { protocol: modbus-tcp, host: 127.0.0.1, port: ${port} }
defaults: { type: uint16, interval: 1 s }
instances:
${instances.join('\n')}
points:
${points.join('\n')}
  setpoint: { address: { holding: ${SETPOINT} }, write: { min: 0, max: 1500 } }
`;
}
