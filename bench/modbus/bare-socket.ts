import { once } from 'node:events';
import net from 'node:net';

const ANSWER_BYTES = 259;
/** Read 125 holding registers of unit 1 from address 0. */
const REQUEST = Buffer.from([0, 0, 0, 0, 0, 6, 1, 3, 0, 0, 0, 125]);

/** The least that asks and is answered: one request in flight, bytes counted, nothing looked at. */
export class BareSocket {
  readonly #socket: net.Socket;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
  }

  static async open(port: number): Promise<BareSocket> {
    const socket = net.connect({ host: '127.0.0.1', port, noDelay: true });
    await once(socket, 'connect');
    return new BareSocket(socket);
  }

  /** Resolves with the number of requests that were answered. */
  run(forMs: number): Promise<number> {
    const socket = this.#socket;
    const untilMs = performance.now() + forMs;
    const { promise, resolve } = Promise.withResolvers<number>();
    let answered = 0;
    let missing = ANSWER_BYTES;
    const onData = (bytes: Buffer) => {
      missing -= bytes.length;
      if (missing > 0) return;
      missing = ANSWER_BYTES;
      answered += 1;
      if (performance.now() < untilMs) socket.write(REQUEST);
      else {
        socket.off('data', onData);
        resolve(answered);
      }
    };
    socket.on('data', onData);
    socket.write(REQUEST);
    return promise;
  }

  close(): void {
    this.#socket.destroy();
  }
}
