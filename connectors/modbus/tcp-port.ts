import { GatewayError } from '../../src/model/error.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { type BytePort, type Port, PortEnd } from './byte-port.ts';
import { connectSocket } from './connect-socket.ts';
import { Inbox } from './inbox.ts';
import type { Receiver } from './receiver.ts';
import type { RtuOverTcpSettings, TcpSettings } from './settings.ts';
import { translateSocketError } from './socket-error.ts';
import { portOf } from './tcp-settings.ts';

/** A connection whose bytes are handed over as they come. */
export interface SocketPort extends Port {
  /** Never throws and never waits; a failure is told by `lost`. */
  write(bytes: Uint8Array): void;
  /** To be called at once, and once. */
  listen(receiver: Receiver): void;
}

const UNANSWERED = 'before any answer: is this its Modbus port, and has it a client left for the gateway?';

/** One attempt. */
export async function openTcpPort(
  name: string,
  settings: TcpSettings | RtuOverTcpSettings,
  clock: Clock,
  signal: AbortSignal,
): Promise<SocketPort> {
  const relay = new Relay();
  const { host, connectTimeout: connectTimeoutMs } = settings;
  const tls = 'tls' in settings ? settings.tls : undefined;
  const target = { name, host, port: portOf(settings), tls, connectTimeoutMs };
  const socket = await connectSocket(target, (bytes) => relay.append(bytes), clock, signal);
  const end = new PortEnd(name, relay, () => socket.destroy());
  // Who serves no more clients, or speaks something else, mostly takes the connection and drops it.
  const where = () => (socket.bytesRead === 0 ? `the connection ended ${UNANSWERED}` : 'the connection');
  const hungUp = () => `the device closed the connection${socket.bytesRead === 0 ? ` ${UNANSWERED}` : ''}`;
  socket.on('error', (error) => end.fail(translateSocketError(error, name, where())));
  socket.on('end', () => end.fail(new GatewayError('LINK_CLOSED', name, hungUp())));
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
