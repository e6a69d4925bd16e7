import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';

/** A server that does with each request what the test says. */
export async function startRawServer(
  handle: (socket: net.Socket, request: Buffer) => void,
  secured?: tls.TlsOptions,
): Promise<net.Server> {
  const onSocket = (socket: net.Socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      for (let at = 0; at < bytes.length; at += 6 + bytes.readUInt16BE(at + 4))
        handle(socket, bytes.subarray(at, at + 6 + bytes.readUInt16BE(at + 4)));
    });
  };
  const server = secured === undefined ? net.createServer(onSocket) : tls.createServer(secured, onSocket);
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

export function portOfServer(server: net.Server): number {
  return (server.address() as net.AddressInfo).port;
}

/** Default: the right answer to a read of one register of unit 1 whose value is 1. */
export function answerTo(request: Buffer, body: readonly number[] = [1, 3, 2, 0, 1]): Buffer {
  return Buffer.from([...request.subarray(0, 2), 0, 0, 0, body.length, ...body]);
}

/** Each register holds its own address. */
export function answerAddress(request: Buffer): Buffer {
  return answerTo(request, [request[6] ?? 0, 3, 2, request[8] ?? 0, request[9] ?? 0]);
}
