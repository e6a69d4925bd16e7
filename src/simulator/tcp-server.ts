import { createServer, type Server, type Socket } from 'node:net';

export interface TcpServer {
  /** The same over `down` and `up`. */
  readonly port: number;
  /** Open now. */
  readonly connections: number;
  /** Taken since start. */
  readonly accepted: number;
  /** As if the power were cut: every connection is reset, new ones are refused. */
  down(): Promise<void>;
  /** Listens again on the same port. */
  up(): Promise<void>;
  /** Resets the connections, goes on listening. */
  resetConnections(): void;
  close(): Promise<void>;
}

/** A TCP server on 127.0.0.1 that can be switched off and on. `port` 0: any that is free. */
export async function startTcpServer(port: number, onConnection: (socket: Socket) => void): Promise<TcpServer> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const accept = (socket: Socket): void => {
    accepted += 1;
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    onConnection(socket);
  };
  const resetConnections = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  let server: Server | undefined = await listen(port, accept);
  const boundPort = portOf(server);

  const down = async (): Promise<void> => {
    const closing = server;
    server = undefined;
    if (closing === undefined) return;
    const closed = new Promise<void>((resolve) => closing.close(() => resolve()));
    resetConnections();
    await closed;
  };
  return {
    port: boundPort,
    get connections() {
      return sockets.size;
    },
    get accepted() {
      return accepted;
    },
    down,
    up: async () => {
      server ??= await listen(boundPort, accept);
    },
    resetConnections,
    close: down,
  };
}

function listen(port: number, onConnection: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(onConnection);
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
