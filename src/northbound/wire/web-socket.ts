import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, WebSocket } from 'ws';
import { GatewayError } from '../../model/error.ts';
import type { Endpoint } from '../dialect.ts';
import { MAX_INCOMING_BYTES } from './client-options.ts';
import { streamError } from './stream-error.ts';

const UNAUTHORIZED = new Set([401, 403]);

/** MQTT in binary frames (MQTT 5 §6) over a stream that is open already. Rejects as `openStream`, and then leaves nothing open. */
export function openWebSocket(socket: Socket, endpoint: Endpoint, subject: string, signal: AbortSignal): Promise<Duplex> {
  const webSocket = new WebSocket(urlOf(endpoint), 'mqtt', {
    // TLS was spoken before; the scheme only decides about the `Host` header.
    createConnection: () => socket,
    perMessageDeflate: false,
    followRedirects: false,
    maxPayload: MAX_INCOMING_BYTES,
  });
  return new Promise((resolve, reject) => {
    const fail = (reason: unknown) => {
      signal.removeEventListener('abort', onAbort);
      webSocket.terminate();
      socket.destroy();
      reject(reason);
    };
    const onAbort = () => fail(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    webSocket.on('error', (error) => fail(handshakeFault(error, subject)));
    webSocket.once('unexpected-response', (_, { statusCode = 0, statusMessage = '' }) => {
      const code = UNAUTHORIZED.has(statusCode) ? 'HUB_UNAUTHORIZED' : 'HUB_REFUSED';
      fail(new GatewayError(code, subject, `no WebSocket is spoken there: ${statusCode} ${statusMessage.slice(0, 100)}`));
    });
    webSocket.once('open', () => {
      signal.removeEventListener('abort', onAbort);
      webSocket.removeAllListeners('error');
      const stream = createWebSocketStream(webSocket);
      stream.on('error', () => {});
      // By itself the stream would wait for ever to write its end to a socket that is gone. What came before is read first.
      webSocket.once('close', () => setImmediate(() => stream.destroy()));
      resolve(stream);
    });
  });
}

function urlOf({ host, port, tls, webSocketPath = '/' }: Endpoint): string {
  return `${tls ? 'wss' : 'ws'}://${host.includes(':') ? `[${host}]` : host}:${port}${webSocketPath}`;
}

function handshakeFault(error: Error, subject: string): GatewayError {
  if ('code' in error) return streamError(error, subject);
  return new GatewayError('HUB_REFUSED', subject, `the WebSocket could not be opened: ${error.message}`, { cause: error });
}
