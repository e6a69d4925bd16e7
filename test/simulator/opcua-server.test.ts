import assert from 'node:assert/strict';
import { AttributeIds, DataType, OPCUAClient } from 'node-opcua';
import { type SimulatedOpcuaServer, startOpcuaServer } from '../../src/simulator/opcua-server.ts';
import type { OpcuaVariableOptions } from '../../src/simulator/opcua-variable.ts';

const FILLER: readonly OpcuaVariableOptions[] = [
  { name: 'Level', type: 'Double', value: 40.5 },
  { name: 'Bottles', type: 'UInt64', value: 2n ** 53n + 1n },
  { name: 'Batch', type: 'String', value: 'B-1' },
  { name: 'Setpoint', type: 'Float', value: 10, isWritable: true },
];

async function withSession(url: string, work: (session: Awaited<ReturnType<typeof openSession>>['session']) => Promise<void>) {
  const { client, session } = await openSession(url);
  try {
    await work(session);
  } finally {
    await session.close();
    await client.disconnect();
  }
}

async function openSession(url: string) {
  const client = OPCUAClient.create({ endpointMustExist: false, connectionStrategy: { maxRetry: 0 } });
  await client.connect(url);
  return { client, session: await client.createSession() };
}

describe('simulated OPC UA server', function () {
  this.timeout(30_000);
  let server: SimulatedOpcuaServer;

  before(async () => {
    server = await startOpcuaServer({ port: 0, namespaces: [{ uri: 'urn:filler', variables: FILLER }] });
  });

  after(() => server.close());

  it('shows values with status and source time', () =>
    withSession(server.url, async (session) => {
      server.variable('Level').set(41, 'UncertainSensorNotAccurate', Date.UTC(2026, 0, 1));
      const { value, statusCode, sourceTimestamp } = await session.read({ nodeId: 'ns=2;s=Level' });
      assert.deepEqual(
        [value.value, statusCode.name, sourceTimestamp?.getTime()],
        [41, 'UncertainSensorNotAccurate', Date.UTC(2026, 0, 1)],
      );
    }));

  it('counts in 64 bits', () =>
    withSession(server.url, async (session) => {
      assert.deepEqual((await session.read({ nodeId: 'ns=2;s=Bottles' })).value.value, [0x20_0000, 1]);
      assert.equal(server.variable('Bottles').value, 2n ** 53n + 1n);
    }));

  it('is written where it may be, and keeps what was written over a restart', async () => {
    const write = (name: string) =>
      withSession(server.url, async (session) => {
        const value = { value: { dataType: DataType.Float, value: 12.5 } };
        const status = await session.write({ nodeId: `ns=2;s=${name}`, attributeId: AttributeIds.Value, value });
        assert.equal(status.isGood(), name === 'Setpoint');
      });
    await write('Setpoint');
    await write('Level');
    await server.down();
    await assert.rejects(openSession(server.url));
    await server.up();
    assert.equal(server.variable('Setpoint').value, 12.5);
  });
});
