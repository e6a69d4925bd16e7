import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as connectTcp, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
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
  const device = new BareDevice(plc.ready.port);
  // The acknowledgement of one answer would hold back the next command.
  (client.stream as unknown as Socket).setNoDelay(true);
  try {
    await client.subscribeAsync('bench/press-1/result', { qos: 1 });
    await measure(client, device, Math.min(20, count), 'warm-up');
    const times = await measure(client, device, count, 'c');
    return [50, 99].map((percent) => toRow(percent, times, broker.name));
  } finally {
    device.close();
    await client.endAsync(true);
    await gateway.stop();
    await plc.stop();
    await broker.stop();
    await rm(directory, { recursive: true, force: true });
  }
};

function toRow(percent: number, { commands, device }: Times, broker: string): Row {
  const ours = percentile(commands, percent);
  const deviceMs = percentile(device, percent);
  const limit = AIM_MS + deviceMs;
  const note = `${commands.length} commands one after the other, each written and read back, over ${broker}, while ${UNITS} units × ${POINTS_PER_UNIT} points are polled at 1 s on the same connection; the aim for p99: ${AIM_MS} ms and what the device alone takes for write and read (${deviceMs.toFixed(2)} ms, measured in turn)`;
  return { name: `command p${percent}`, unit: 'ms', ours, limit, ratio: ours / limit, spread: 0, runs: 1, note };
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}

interface Times {
  readonly commands: readonly number[];
  readonly device: readonly number[];
}

/** In turn, at times that have nothing to do with those of the polls: what else runs on the machine meets both. */
async function measure(client: MqttClient, device: BareDevice, count: number, prefix: string): Promise<Times> {
  const commands: number[] = [];
  const alone: number[] = [];
  for (let index = 0; index < count; index += 1) {
    commands.push(await timed(() => execute(client, `${prefix}-${index}`, (index % 1_000) + 1)));
    await sleep(11);
    alone.push(await timed(() => device.writeAndRead()));
    await sleep(6);
  }
  return { commands, device: alone };
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

async function execute(client: MqttClient, id: string, setpoint: number): Promise<void> {
  const answered = new Promise<Buffer>((resolve) => client.once('message', (_topic, told) => resolve(told)));
  await client.publishAsync('bench/press-1/command', JSON.stringify({ id, desired: { setpoint } }), { qos: 1 });
  const payload = await answered;
  const result = JSON.parse(payload.toString()) as { readonly id: string; readonly status: string };
  if (result.id !== id || result.status !== 'done') throw new Error(`expected a done command, got ${payload}`);
}

/** One register written and read, on a bare socket. */
class BareDevice {
  readonly #socket: Socket;

  constructor(port: number) {
    this.#socket = connectTcp({ host: '127.0.0.1', port, noDelay: true });
  }

  async writeAndRead(): Promise<void> {
    await this.#ask(6);
    await this.#ask(3);
  }

  close(): void {
    this.#socket.destroy();
  }

  async #ask(functionCode: number): Promise<void> {
    const request = Buffer.from([0, 1, 0, 0, 0, 6, 2, functionCode, 0, 0, 0, 1]);
    request.writeUInt16BE(SETPOINT, 8);
    this.#socket.write(request);
    await once(this.#socket, 'data');
  }
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
