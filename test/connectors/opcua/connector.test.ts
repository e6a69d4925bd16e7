import { DataType } from 'node-opcua';
import { createConnector } from '../../../connectors/opcua/connector.ts';
import { type ConnectorFixture, describeConnector } from '../../contract/connector.ts';
import { startOpcuaServer, type TestServer } from '../../support/opcua-server.ts';
import { Bench, FAST, makePlan, OPEN, planPoint } from './support.ts';

describe('OPC UA connector', () => {
  let server: TestServer;
  before(async () => {
    server = await startOpcuaServer();
  });
  after(() => server.stop());

  for (const read of ['subscribe', 'poll'] as const) {
    describeConnector(`OPC UA by ${read}`, async (): Promise<ConnectorFixture> => {
      const bench = new Bench();
      await bench.begin();
      const keys = { read, interval: 100 };
      const { url, port } = server;
      const plan = makePlan({ url, ...OPEN, ...FAST }, { press: { Speed: keys, Name: keys, MinInt64: keys, Missing: keys } });
      const point = (name: string) => planPoint('press', name, keys).point;
      server.set('Speed', { dataType: DataType.Double, value: 1.5 });
      server.set('Name', { dataType: DataType.String, value: 'press' });
      return {
        plan,
        create: createConnector,
        stateDirectory: bench.stateDirectory,
        known: [
          [point('Speed'), 1.5],
          [point('MinInt64'), -(2n ** 63n)],
        ],
        writable: { point: point('Name'), value: 'written' },
        missing: point('Missing'),
        change: (value) => server.set('Speed', { dataType: DataType.Double, value }),
        changed: 42,
        takeAway: () => server.stop(),
        bringBack: async () => {
          server = await startOpcuaServer({ port });
        },
        dispose: () => bench.end(),
      };
    });
  }
});
