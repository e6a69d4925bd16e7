import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

export interface HttpProxyScript {
  /** `user:password` that it asks for; absent: anybody may pass. */
  credentials?: string;
  /** Answered to every CONNECT instead of a tunnel. */
  refuseWith?: number;
  /** Takes connections and never answers. */
  isSilent?: boolean;
}

/** A proxy as plants have them: it knows CONNECT and nothing else. */
export class HttpProxy {
  script: HttpProxyScript = {};
  /** Where was asked for, in order. */
  readonly targets: string[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#server = createServer((_, answer) => void answer.writeHead(405).end());
    this.#server.on('connection', (socket) => this.#keep(socket));
    this.#server.on('connect', ({ url = '', headers }, near, head) =>
      this.#tunnel(url, headers['proxy-authorization'], near as Socket, head),
    );
  }

  static async start(): Promise<HttpProxy> {
    const proxy = new HttpProxy();
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get openConnections(): number {
    return this.#sockets.size;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
  }

  #tunnel(target: string, authorization: string | undefined, near: Socket, head: Buffer): void {
    this.targets.push(target);
    const { credentials, refuseWith, isSilent } = this.script;
    near.on('end', () => near.end());
    near.resume();
    if (isSilent === true) return;
    const isWelcome = credentials === undefined || authorization === `Basic ${Buffer.from(credentials).toString('base64')}`;
    const status = refuseWith ?? (isWelcome ? 200 : 407);
    if (status !== 200) {
      near.end(`HTTP/1.1 ${status} No\r\n\r\n`);
      return;
    }
    const { hostname, port } = new URL(`http://${target}`);
    const far = connect({ host: hostname, port: Number(port) });
    this.#keep(far);
    far.once('connect', () => {
      near.write('HTTP/1.1 200 Connection established\r\n\r\n');
      far.write(head);
      near.pipe(far).pipe(near);
    });
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  }
}
