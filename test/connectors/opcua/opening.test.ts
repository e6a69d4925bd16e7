import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { GatewayError } from '../../../src/model/error.ts';
import type { Connector } from '../../../src/southbound/connector.ts';
import { freePort, startOpcuaServer } from '../../support/opcua-server.ts';
import { Bench, makePlan, OPEN } from './support.ts';

const NO_STOP = new AbortController().signal;

describe('OPC UA opening', () => {
  const bench = new Bench();
  let server: Server;
  let sockets: Socket[];

  beforeEach(async () => {
    await bench.begin();
    sockets = [];
    server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => {});
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    await bench.end();
  });

  function connector(url = urlOf(server), timeout = '300 ms'): Connector {
    return bench.connector(makePlan({ url, ...OPEN, timeout }, { press: { Speed: {} } }));
  }

  async function refusal(opening: Promise<unknown>): Promise<GatewayError> {
    const error = await opening.then(
      () => undefined,
      (error: unknown) => error,
    );
    assert.ok(error instanceof GatewayError);
    return error;
  }

  it('is refused where nothing listens', async () => {
    const made = connector(`opc.tcp://127.0.0.1:${await freePort()}`, '5 s');
    const { code, message } = await refusal(made.open(NO_STOP));
    assert.deepEqual([code, message], ['LINK_REFUSED', 'asking for endpoints: nobody listens there (ECONNREFUSED)']);
    assert.deepEqual(
      Object.values(made.status().devices).map(({ state, error }) => [state, error?.code]),
      [['down', 'LINK_REFUSED']],
    );
  });

  it('is refused where the name of the host is unknown', async () => {
    const { code, message } = await refusal(connector('opc.tcp://nobody.invalid:4840', '5 s').open(NO_STOP));
    assert.equal(code, 'LINK_REFUSED');
    assert.match(message, /no such host name|the name server does not answer/);
  });

  for (const [does, answer, code, told] of [
    [
      'answers in another language',
      (socket: Socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
      'LINK_PROTOCOL',
      /does not speak OPC UA/,
    ],
    ['resets the connection', (socket: Socket) => socket.resetAndDestroy(), 'LINK_PROTOCOL', /does not speak OPC UA/],
    ['hangs up', (socket: Socket) => socket.destroy(), 'LINK_CLOSED', /is this the port of an OPC UA server\?/],
  ] as const) {
    it(`says what it may be where somebody ${does}`, async () => {
      server.on('connection', (socket: Socket) => void socket.once('data', () => answer(socket)));
      const error = await refusal(connector(urlOf(server), '5 s').open(NO_STOP));
      assert.equal(error.code, code, error.message);
      assert.match(error.message, told);
    });
  }

  it('asks for chunks of 64 KiB, for each request takes memory of that size', async () => {
    const hello = once(server, 'connection').then(
      async ([socket]: Socket[]) => (await once(socket as Socket, 'data'))[0] as Buffer,
    );
    const opening = refusal(connector().open(NO_STOP));
    // OPC 10000-6, 7.1.2.3: header of 8 bytes, version, ReceiveBufferSize, SendBufferSize.
    const bytes = await hello;
    assert.deepEqual([bytes.toString('latin1', 0, 3), bytes.readUInt32LE(12), bytes.readUInt32LE(16)], ['HEL', 65_536, 65_536]);
    await opening;
  });

  it('is told where the server has no session left, and leaves none behind', async () => {
    const full = await startOpcuaServer({ options: { serverCapabilities: { maxSessions: 1 } } });
    bench.onEnd(() => full.stop());
    await bench.open(connector(full.url, '5 s'));
    const error = await refusal(connector(full.url, '5 s').open(NO_STOP));
    assert.deepEqual([error.code, full.server.currentSessionCount], ['LINK_FULL', 1], error.message);
  });

  it('times out where somebody listens and says nothing, and hangs up', async () => {
    const opening = refusal(connector().open(NO_STOP));
    await once(server, 'connection');
    const hungUp = once(sockets[0] as Socket, 'close');
    sockets[0]?.resume();
    assert.equal((await opening).code, 'LINK_TIMEOUT');
    await hungUp;
  });

  it('rejects at once when the stop comes, and hangs up', async () => {
    const stop = new AbortController();
    const opening = refusal(connector(urlOf(server), '60 s').open(stop.signal));
    await once(server, 'connection');
    sockets[0]?.resume();
    const hungUp = once(sockets[0] as Socket, 'close');
    stop.abort();
    assert.equal((await opening).rule.kind, 'link');
    await hungUp;
  });

  it('opens no socket when the stop came before', async () => {
    await refusal(connector().open(AbortSignal.abort()));
    assert.deepEqual(sockets, []);
  });

  for (const [what, answer] of [
    ['a web server', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['noise', '\xff\x00\xff\x00'.repeat(20)],
    ['nothing, and hangs up', ''],
  ] as const) {
    it(`fails where ${what} answers`, async () => {
      server.on('connection', (socket: Socket) => socket.once('data', () => socket.end(answer)));
      assert.equal((await refusal(connector(urlOf(server), '2 s').open(NO_STOP))).rule.kind, 'link');
    });
  }
});

function urlOf(server: Server): string {
  const address = server.address();
  return `opc.tcp://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}
