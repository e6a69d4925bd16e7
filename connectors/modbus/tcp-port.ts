import net from 'node:net';
import { GatewayError } from '../../src/model/error.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { type BytePort, type Port, PortEnd } from './byte-port.ts';
import { Inbox } from './inbox.ts';
import type { Receiver } from './receiver.ts';
import type { RtuOverTcpSettings, TcpSettings } from './settings.ts';
import { translateSocketError } from './socket-error.ts';

const KEEP_ALIVE_MS = 30_000;
/** Many answers; one buffer for each socket, used again and again. */
const READ_BYTES = 8_192;

/** A connection whose bytes are handed over as they come. */
export interface SocketPort extends Port {
  /** To be called at once, and once. */
  listen(receiver: Receiver): void;
}

/** One attempt. */
export async function openTcpPort(
  name: string,
  settings: TcpSettings | RtuOverTcpSettings,
  clock: Clock,
  signal: AbortSignal,
): Promise<SocketPort> {
  signal.throwIfAborted();
  const relay = new Relay();
  const socket = net.connect({
    host: settings.host,
    port: settings.port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
    onread: {
      buffer: Buffer.allocUnsafe(READ_BYTES),
      callback: (count, buffer) => {
        relay.append((buffer as Buffer).subarray(0, count));
        return true;
      },
    },
  });
  try {
    await connected(socket, name, settings, clock, signal);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return wrap(socket, name, relay);
}

/** The same with an inbox, for those who fetch. */
export function withInbox(port: SocketPort, clock: Clock): BytePort {
  const inbox = new Inbox(clock);
  port.listen(inbox);
  return { inbox, lost: port.lost, write: port.write, fail: port.fail, close: port.close };
}

/** Passes on to whoever listens; nothing comes from a device that was not asked, but the connection may end before. */
class Relay implements Receiver {
  #receiver: Receiver | undefined;
  #failure: GatewayError | undefined;

  listen(receiver: Receiver): void {
    this.#receiver = receiver;
    if (this.#failure !== undefined) receiver.fail(this.#failure);
  }

  append(bytes: Buffer): void {
    this.#receiver?.append(bytes);
  }

  fail(error: GatewayError): void {
    this.#failure = error;
    this.#receiver?.fail(error);
  }
}

function connected(
  socket: net.Socket,
  name: string,
  { host, port, connectTimeout }: TcpSettings,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const done = new AbortController();
  return new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.on('error', (error) => reject(translateSocketError(error, name, `${host}:${port}`)));
    signal.addEventListener('abort', () => reject(signal.reason), { signal: done.signal });
    clock.sleep(connectTimeout, done.signal).then(
      () => reject(new GatewayError('LINK_TIMEOUT', name, `${host}:${port} did not answer within ${connectTimeout} ms`)),
      () => {},
    );
  }).finally(() => done.abort());
}

function wrap(socket: net.Socket, name: string, relay: Relay): SocketPort {
  const end = new PortEnd(name, relay, () => socket.destroy());
  socket.on('error', (error) => end.fail(translateSocketError(error, name, 'the connection')));
  socket.on('end', () => end.fail(new GatewayError('LINK_CLOSED', name, 'the device closed the connection')));
  socket.on('close', () => end.fail(new GatewayError('LINK_CLOSED', name, 'the connection was closed')));
  return {
    lost: end.lost,
    listen: (receiver) => relay.listen(receiver),
    write: (bytes) => {
      if (!end.isOver) socket.write(bytes);
    },
    fail: (error) => end.fail(error),
    close: async () => end.close(),
  };
}
