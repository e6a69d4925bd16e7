import { connect, createServer, type Server, type Socket } from 'node:net';

export type Direction = 'toServer' | 'toClient';

/** What goes on in place of one message chunk of OPC UA; `index` counts those of the connection in this direction. */
export type Change = (chunk: Buffer, direction: Direction, index: number) => Buffer;

/** Size of a chunk at byte 4 of its header (OPC UA Part 6, section 7.1.2.2). */
const HEADER_BYTES = 8;

/** Between an OPC UA client and its server on loopback: sees every chunk, and may pass on another one. */
export class OpcuaProxy {
  change: Change = (chunk) => chunk;
  port = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(targetPort: number) {
    this.#server = createServer((near) => {
      const far = connect(targetPort, '127.0.0.1');
      this.#pass(near, far, 'toServer');
      this.#pass(far, near, 'toClient');
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    if (typeof address === 'object' && address !== null) this.port = address.port;
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #pass(from: Socket, to: Socket, direction: Direction): void {
    this.#sockets.add(from);
    from.setNoDelay(true);
    from.on('error', () => {});
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
    let index = 0;
    const split = chunkSplitter((chunk) => {
      to.write(this.change(chunk, direction, index));
      index += 1;
    });
    from.on('data', split);
  }
}

/** Hands whole chunks on, in order. */
function chunkSplitter(onChunk: (chunk: Buffer) => void): (bytes: Buffer) => void {
  let waiting: Buffer = Buffer.alloc(0);
  return (bytes) => {
    waiting = Buffer.concat([waiting, bytes]);
    while (waiting.length >= HEADER_BYTES) {
      const length = Math.max(HEADER_BYTES, waiting.readUInt32LE(4));
      if (waiting.length < length) return;
      onChunk(Buffer.from(waiting.subarray(0, length)));
      waiting = waiting.subarray(length);
    }
  };
}
