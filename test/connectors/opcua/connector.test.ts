import { DataType } from 'node-opcua';
import { createConnector } from '../../../connectors/opcua/connector.ts';
import { eventSchema, methodSchema } from '../../../connectors/opcua/mapping/features.ts';
import type { Value } from '../../../src/model/value.ts';
import type { MethodCall } from '../../../src/southbound/connector.ts';
import { type ConnectorFixture, describeConnector } from '../../contract/connector.ts';
import { addMachine, MACHINE, type Machine } from '../../support/opcua-machine.ts';
import { startOpcuaServer, type TestServer } from '../../support/opcua-server.ts';
import { Bench, FAST, makePlan, OPEN, planPoint } from './support.ts';

const nodeOf = (name: string) => `nsu=${MACHINE};s=${name}`;

function call(given: readonly Value[]): MethodCall {
  const settings = methodSchema.parse({ object: nodeOf('Machine'), method: nodeOf('Start') });
  return { device: 'press', method: { name: 'start', settings, arguments: [] }, arguments: given };
}

describe('OPC UA connector', () => {
  let server: TestServer;
  let machine: Machine;
  const start = async (port?: number) => {
    server = await startOpcuaServer(port === undefined ? {} : { port });
    machine = await addMachine(server.server);
  };
  before(() => start());
  after(() => server.stop());

  for (const read of ['subscribe', 'poll'] as const) {
    const fixture = async (): Promise<ConnectorFixture> => {
      const bench = new Bench();
      await bench.begin();
      const keys = { read, interval: 100 };
      const { url, port } = server;
      const doubles = { ...keys, address: nodeOf('Doubles') };
      const points = { Speed: keys, Name: keys, MinInt64: keys, Missing: keys, doubles };
      const sketch = makePlan({ url, ...OPEN, ...FAST }, { press: points });
      const events = [{ name: 'happened', settings: eventSchema.parse({}) }];
      const plan = { ...sketch, devices: sketch.devices.map((device) => ({ ...device, events })) };
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
        bringBack: () => start(port),
        compound: { point: planPoint('press', 'doubles', doubles).point, value: [4, 5.5] },
        event: { name: 'happened', provoke: () => machine.raise('done', 100, 7) },
        method: { call: call([7, 'A-17', [0.5, 1]]), outputs: { Job: 9_007_199_254_740_999n, Accepted: true } },
        refusedCall: call([99, 'A-17', [0.5, 1]]),
        dispose: () => bench.end(),
      };
    };
    describeConnector(`OPC UA by ${read}`, fixture, ['change', 'takeAway', 'compound', 'event', 'method', 'refusedCall']);
  }
});
