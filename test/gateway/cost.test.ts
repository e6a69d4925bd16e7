import assert from 'node:assert/strict';
import { type Change, CostBook, estimateCost, type HubCost, measureCost } from '../../src/gateway/cost.ts';
import { dialectsOf } from '../../src/gateway/plug-ins.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { SimulatedModbusDevice } from '../../src/simulator/modbus-device.ts';
import { startModbusTcpServer } from '../../src/simulator/modbus-tcp-server.ts';
import { TemporaryConfiguration } from '../support/configuration.ts';
import { planOf } from '../support/gateway-plan.ts';

const GATEWAY = `gateway: { id: gw-01 }
hubs:
  cloud: { dialect: mqtt, url: mqtt://127.0.0.1, limits: { messagesPerDay: 100000, chunk: 100 B } }
`;
const mapping = (port: number, points: string) => `twin: press-07
connection: { protocol: modbus-tcp, host: 127.0.0.1, port: ${port}, unit: 1 }
message: { maxAge: 10 s }
defaults: { interval: 1 s, type: int16 }
points:
${points}`;
const POINTS = [1, 2, 3, 4].map((number) => `  p${number}: { address: { input: ${number} } }\n`).join('');

async function estimated(points: string, change: Change, gateway = GATEWAY): Promise<HubCost> {
  using configuration = new TemporaryConfiguration({ 'gateway.yaml': gateway, 'mappings/press.yaml': mapping(502, points) });
  const plan = await planOf(configuration);
  const book = new CostBook(plan, await dialectsOf(plan));
  estimateCost(plan, book, change);
  return book.costs()[0] ?? assert.fail('no hub');
}

function near(actual: number | undefined, expected: number): void {
  assert.ok(Math.abs((actual ?? 0) - expected) <= 0.02 * expected, `${actual} is not about ${expected}`);
}

describe('what a configuration costs', () => {
  it('is what its pipelines make of it in a day', async () => {
    const { twins, messagesPerDay, chunkBytes } = await estimated(POINTS, 'always');
    const [press] = twins;
    near(press?.readings, 4 * 86_400);
    near(press?.messages, 8_640);
    assert.deepEqual([messagesPerDay, chunkBytes], [100_000, 100]);
    // Each message has more than one chunk and less than twenty.
    assert.ok((press?.billed ?? 0) > 2 * (press?.messages ?? 0) && (press?.billed ?? 0) < 20 * (press?.messages ?? 0));
    assert.ok((press?.bytes ?? 0) / 100 <= (press?.billed ?? 0));
  });

  it('is less where only changes are sent and nothing changes', async () => {
    const sparse = '  p1: { address: { input: 1 }, send: { onChange: true, atLeastEvery: 60 s } }\n';
    const [always, never] = [await estimated(sparse, 'always'), await estimated(sparse, 'never')];
    near(always.twins[0]?.readings, 86_400);
    near(never.twins[0]?.readings, 1_440);
  });

  it('has nothing of an OPC UA server that has nothing new to tell, but of what is polled there', async () => {
    const opcua = (read: string) =>
      `twin: filler\nconnection: { protocol: opcua, url: "opc.tcp://10.20.0.18" }\npoints:\n  level: { address: "nsu=urn:a;s=L", type: float64, read: ${read} }\n`;
    const never = async (read: string) => {
      using configuration = new TemporaryConfiguration({ 'gateway.yaml': GATEWAY, 'mappings/press.yaml': opcua(read) });
      const plan = await planOf(configuration);
      const book = new CostBook(plan, await dialectsOf(plan));
      estimateCost(plan, book, 'never');
      return book.costs()[0]?.twins[0]?.readings ?? 0;
    };
    assert.equal(await never('subscribe'), 0);
    near(await never('poll'), 86_400);
  });

  it('is what the hub gets after compression', async () => {
    const compressed = GATEWAY.replace('limits:', 'compress: zstd, limits:');
    const [plain, small] = [await estimated(POINTS, 'always'), await estimated(POINTS, 'always', compressed)];
    const ratio = (small.twins[0]?.bytes ?? 0) / (plain.twins[0]?.bytes ?? 0);
    assert.ok(ratio > 0.1 && ratio < 0.8, `${ratio}`);
    assert.ok((small.twins[0]?.billed ?? 0) < (plain.twins[0]?.billed ?? 0));
  });

  it('is counted on the real devices, too', async () => {
    const server = await startModbusTcpServer({ port: 0, units: new Map([[1, new SimulatedModbusDevice()]]) });
    const points = POINTS.replaceAll(' } }', ' }, interval: 100 ms }').replaceAll('input', 'holding');
    using configuration = new TemporaryConfiguration({
      'gateway.yaml': GATEWAY,
      'mappings/press.yaml': mapping(server.port, points),
    });
    const plan = await planOf(configuration);
    const book = new CostBook(plan, await dialectsOf(plan));
    const signal = new AbortController().signal;
    await measureCost(plan, book, { log: silentLog, stateDirectory: configuration.directory, forMs: 1_500, signal });
    await server.close();
    const readings = book.costs()[0]?.twins[0]?.readings ?? 0;
    // A busy machine polls less often, never more often.
    assert.ok(readings > 0.2 * 4 * 864_000 && readings <= 1.1 * 4 * 864_000, `${readings}`);
  }).timeout(20_000);
});
