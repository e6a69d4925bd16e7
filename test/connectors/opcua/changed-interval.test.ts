import assert from 'node:assert/strict';
import { DataType } from 'node-opcua';
import { startGateway } from '../../../src/gateway/gateway.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import { TemporaryConfiguration } from '../../support/configuration.ts';
import { planOf } from '../../support/gateway-plan.ts';
import { PLANT, startOpcuaServer } from '../../support/opcua-server.ts';
import { SinkBroker } from '../../support/sink-broker.ts';

const POLL_MS = 50;

const mapping = (url: string) => `twin: line-1
message: { maxAge: 20 ms }
connection: { protocol: opcua, url: "${url}", security: { policy: none }, publishingInterval: 50 ms }
cloudMayChange: { interval: { min: 50 ms, max: 1 h } }
points:
  temperature: { address: "nsu=${PLANT};s=Speed", interval: 1 h }
  clock: { address: i=2258, read: poll, interval: ${POLL_MS} ms }
`;

describe('the sampling interval of a running OPC UA connection', function () {
  this.timeout(60_000);

  it('becomes another one by a command, and polls that were due meanwhile are declared', async () => {
    const server = await startOpcuaServer();
    const broker = await SinkBroker.start();
    using configuration = new TemporaryConfiguration({
      'gateway.yaml': `gateway: { id: plant-a }\nhubs: { cloud: { dialect: mqtt, url: "${broker.url}" } }\nspool: { directory: ./spool }\noperations: { port: 0 }\n`,
      'mappings/press.yaml': mapping(server.url),
    });
    const gateway = await startGateway(await planOf(configuration), {
      log: silentLog,
      version: '0',
      stateDirectory: configuration.path('state'),
    });
    const told = () =>
      broker.messages
        .flatMap(({ values }) => (values as { temperature?: [number, unknown][] } | undefined)?.temperature ?? [])
        .map(([, value]) => value);
    const polls = () =>
      broker.messages
        .flatMap(({ values }) => (values as { clock?: [number, string][] } | undefined)?.clock ?? [])
        .map(([, time]) => Date.parse(time));
    const more = async () => {
      const before = polls().length;
      await broker.until(() => polls().length >= before + 20);
    };
    try {
      await broker.until(() => told().length > 0);
      await more();
      const before = told().length;
      const settings = { 'temperature.interval': '50 ms' };
      const result = await gateway.execute({ id: '1', device: 'line-1', settings }, new AbortController().signal);
      assert.equal(result.status, 'done');
      await broker.until(() => told().length > before);
      for (const value of [11.5, 12.5]) {
        server.set('Speed', { dataType: DataType.Double, value });
        await broker.until(() => told().at(-1) === value);
      }
      await more();
    } finally {
      await gateway.stop(1_000);
      await broker.stop();
      await server.stop();
    }
    const received = polls();
    const gaps = broker.messages.map(({ gap }) => gap as { points?: readonly string[]; readings: number } | undefined);
    const declared = gaps.reduce((sum, gap) => sum + (gap?.points?.includes('clock') === true ? gap.readings : 0), 0);
    const due = ((received.at(-1) ?? 0) - (received[0] ?? 0)) / POLL_MS + 1;
    assert.ok(declared >= 1, `${declared} polls in the pause`);
    assert.ok(Math.abs(received.length + declared - due) <= 3, `${received.length} came, ${declared} declared, ${due} due`);
  });
});
