import assert from 'node:assert/strict';
import { DataType } from 'node-opcua';
import { startGateway } from '../../../src/gateway.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import { TemporaryConfiguration } from '../../support/configuration.ts';
import { planOf } from '../../support/gateway-plan.ts';
import { PLANT, startOpcuaServer } from '../../support/opcua-server.ts';
import { SinkBroker } from '../../support/sink-broker.ts';

const mapping = (url: string) => `twin: line-1
message: { maxAge: 20 ms }
connection: { protocol: opcua, url: "${url}", security: { policy: none }, publishingInterval: 50 ms }
cloudMayChange: { interval: { min: 50 ms, max: 1 h } }
points:
  temperature: { address: "nsu=${PLANT};s=Speed", interval: 1 h }
`;

describe('the sampling interval of a running OPC UA connection', function () {
  this.timeout(60_000);

  it('becomes another one by a command', async () => {
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
    try {
      await broker.until(() => told().length > 0);
      const before = told().length;
      const settings = { 'temperature.interval': '50 ms' };
      const result = await gateway.execute({ id: '1', device: 'line-1', settings }, new AbortController().signal);
      assert.equal(result.status, 'done');
      await broker.until(() => told().length > before);
      for (const value of [11.5, 12.5]) {
        server.set('Speed', { dataType: DataType.Double, value });
        await broker.until(() => told().at(-1) === value);
      }
    } finally {
      await gateway.stop(1_000);
      await broker.stop();
      await server.stop();
    }
  });
});
