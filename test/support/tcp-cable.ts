import { connect, createServer, type Server, type Socket } from 'node:net';

/** A network cable on loopback: passes bytes to a port, can be pulled and put back. */
export class TcpCable {
  readonly #targetPort: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  port = 0;
  onConnection: () => void = () => {};
  /** Called with what goes to the port, before it goes. */
  onBytes: (bytes: Buffer) => void = () => {};

  constructor(targetPort: number) {
    this.#targetPort = targetPort;
  }

  async plug(): Promise<void> {
    const server = createServer((near) => this.#join(near));
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    const address = server.address();
    if (typeof address === 'object' && address !== null) this.port = address.port;
    this.#server = server;
  }

  /** Breaks every connection; new ones are refused until plugged again. */
  async pull(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
    this.cut();
    await closed;
  }

  /** Breaks every connection; new ones are taken at once. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(near: Socket): void {
    this.onConnection();
    const far = connect(this.#targetPort, '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('data', (bytes: Buffer) => {
        if (socket === near) this.onBytes(bytes);
        other.write(bytes);
      });
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
  }
}
