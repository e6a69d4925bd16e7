import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { GatewayError } from '../../../src/model/error.ts';
import { Bench, makePlan, OPEN } from './support.ts';

/** Of a server that takes what it is offered (OPC UA Part 6 §7.1.2.4): version 0, 65 536 bytes each way, no limits. */
function acknowledge(): Buffer {
  const bytes = Buffer.alloc(28);
  bytes.write('ACKF', 'latin1');
  for (const [at, value] of [28, 0, 65_536, 65_536, 0, 0].entries()) bytes.writeUInt32LE(value, 4 + 4 * at);
  return bytes;
}

const TOO_LONG = Buffer.from('MSGF00000000', 'latin1');
const TOO_SHORT = Buffer.concat([Buffer.from('MSGF', 'latin1'), Buffer.alloc(8)]);

describe('OPC UA: what comes together with the greeting of a server', () => {
  const bench = new Bench();
  let server: Server;

  beforeEach(() => bench.begin());
  afterEach(async () => {
    await bench.end();
    server.close();
  });

  for (const [what, greeting] of [
    ['a message longer than was agreed on', [acknowledge(), TOO_LONG]],
    ['a message shorter than its header', [acknowledge(), TOO_SHORT]],
    ['two greetings', [acknowledge(), acknowledge(), TOO_LONG]],
    ['a message in place of the greeting', [TOO_LONG, TOO_LONG]],
  ] as const) {
    it(`ends the attempt, not the process: ${what}`, async () => {
      server = createServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => socket.write(Buffer.concat(greeting)));
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const url = `opc.tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const connector = bench.connector(makePlan({ url, ...OPEN, timeout: '1 s' }, { press: { Count: {} } }));
      await assert.rejects(connector.open(new AbortController().signal), GatewayError);
    });
  }
});
