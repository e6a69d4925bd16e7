import assert from 'node:assert/strict';
import { once } from 'node:events';
import { OPCUAClient } from 'node-opcua-client';
import { Channels } from '../../../connectors/opcua/protocol/channels.ts';
import { quietLibrary } from '../../../connectors/opcua/protocol/quiet.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import { startOpcuaServer } from '../../support/opcua-server.ts';
import { TcpCable } from '../../support/tcp-cable.ts';

describe('OPC UA channels of one client', () => {
  it('are forgotten when a break of the network has ended them', async () => {
    quietLibrary(silentLog);
    const server = await startOpcuaServer();
    const cable = new TcpCable(server.port);
    await cable.plug();
    const client = OPCUAClient.create({
      endpointMustExist: false,
      connectionStrategy: { initialDelay: 50, maxDelay: 100, maxRetry: -1 },
    });
    const channels = new Channels();
    channels.watch(client);
    await client.connect(`opc.tcp://127.0.0.1:${cable.port}`);
    await client.createSession();
    for (let breaks = 0; breaks < 5; breaks += 1) {
      const back = once(client, 'connection_reestablished');
      cable.cut();
      await back;
    }
    assert.ok(channels.count <= 2, `${channels.count} channels are held`);
    channels.cut();
    assert.equal(channels.count, 0);
    await client.disconnect().catch(() => {});
    await cable.pull();
    await server.stop();
  }).timeout(30_000);
});
