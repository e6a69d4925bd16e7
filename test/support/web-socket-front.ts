import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TlsOptions } from 'node:tls';
import { createWebSocketStream, WebSocketServer } from 'ws';

/** Speaks WebSocket with sub-protocol `mqtt` at one path, and passes the bytes to a port where MQTT is spoken. */
export class WebSocketFront {
  targetPort = 0;
  /** `Host` headers of the requests. */
  readonly hosts: string[] = [];
  readonly #server: Server;
  readonly #path: string;

  private constructor(path: string, tls: TlsOptions | undefined) {
    this.#path = path;
    this.#server = tls === undefined ? createServer() : createTlsServer(tls);
    const sockets = new WebSocketServer({
      server: this.#server,
      path,
      handleProtocols: (offered) => (offered.has('mqtt') ? 'mqtt' : false),
      verifyClient: ({ req }: { req: { headers: Readonly<Record<string, unknown>> } }) =>
        req.headers['sec-websocket-protocol'] === 'mqtt',
    });
    sockets.on('connection', (socket, { headers }) => {
      this.hosts.push(headers.host ?? '');
      this.#join(createWebSocketStream(socket));
    });
  }

  static async start(path: string, tls?: TlsOptions): Promise<WebSocketFront> {
    const front = new WebSocketFront(path, tls);
    front.#server.listen(0, '127.0.0.1');
    await once(front.#server, 'listening');
    return front;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get path(): string {
    return this.#path;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.closeAllConnections();
    this.#server.close();
    await closed;
  }

  #join(near: Duplex): void {
    const far = connect(this.targetPort, '127.0.0.1');
    for (const [stream, other] of [
      [near, far],
      [far, near],
    ] as const) {
      stream.on('error', () => {});
      stream.on('close', () => other.destroy());
      stream.pipe(other);
    }
  }
}
