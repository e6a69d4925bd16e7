import type net from 'node:net';
import { GatewayError, toGatewayError } from '../../../src/model/error.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import type { OverTcpSettings, TcpSettings } from '../mapping/settings.ts';
import { portOf } from '../mapping/tcp-settings.ts';
import { type BytePort, PortEnd, type SleepingPort } from './byte-port.ts';
import { connectSocket, type Target } from './connect-socket.ts';
import { Inbox } from './inbox.ts';
import type { Receiver } from './receiver.ts';
import { translateSocketError } from './socket-error.ts';

/** A connection whose bytes are handed over as they come. */
export interface SocketPort extends SleepingPort {
  /** Never throws and never waits; a failure is told by `lost`. */
  write(bytes: Uint8Array): void;
  /** To be called at once, and once. */
  listen(receiver: Receiver): void;
}

const UNANSWERED = 'before any answer: is this its Modbus port, and has it a client left for the gateway?';

type NetworkSettings = TcpSettings | OverTcpSettings;

/** One attempt. */
export async function openTcpPort(
  name: string,
  settings: NetworkSettings,
  clock: Clock,
  signal: AbortSignal,
): Promise<SocketPort> {
  const port = new TcpPort(name, settings, clock);
  await port.connect(signal);
  return port;
}

/** Many devices end a connection on which nothing was asked for a while, some after each answer. That is no loss: see `wake`. */
class TcpPort implements SocketPort {
  readonly #target: Target;
  readonly #pauseMs: number;
  readonly #clock: Clock;
  readonly #relay = new Relay();
  readonly #end: PortEnd;
  readonly #closing = new AbortController();
  /** `undefined`: ended by the device after it had answered, and nobody has asked since. */
  #socket: net.Socket | undefined;
  #waking: Promise<void> | undefined;

  constructor(name: string, settings: NetworkSettings, clock: Clock) {
    const { host, connectTimeout: connectTimeoutMs, pauseAfterConnect } = settings;
    const tls = 'tls' in settings ? settings.tls : undefined;
    this.#target = { name, host, port: portOf(settings), tls, connectTimeoutMs };
    this.#pauseMs = pauseAfterConnect;
    this.#clock = clock;
    this.#end = new PortEnd(name, this.#relay, () => {
      this.#closing.abort(new GatewayError('LINK_CLOSED', name, 'the connection was closed by the gateway'));
      this.#socket?.destroy();
    });
  }

  get lost(): Promise<GatewayError> {
    return this.#end.lost;
  }

  get isAsleep(): boolean {
    return this.#socket === undefined && !this.#end.isOver;
  }

  wake(): Promise<void> {
    this.#waking ??= this.connect(this.#closing.signal)
      .catch((error: unknown) => {
        this.#end.fail(toGatewayError(error, this.#target.name));
        throw error;
      })
      .finally(() => {
        this.#waking = undefined;
      });
    return this.#waking;
  }

  /** Leaves nothing open when it rejects. */
  async connect(signal: AbortSignal): Promise<void> {
    const { name } = this.#target;
    let wasHeard = false;
    const onBytes = (bytes: Buffer) => {
      wasHeard = true;
      this.#relay.append(bytes);
    };
    const socket = await connectSocket(this.#target, onBytes, this.#clock, signal);
    const over = (error: GatewayError) => this.#over(socket, error, wasHeard);
    // Who serves no more clients, or speaks something else, mostly takes the connection and drops it.
    const where = () => (wasHeard ? 'the connection' : `the connection ended ${UNANSWERED}`);
    const hungUp = () => `the device closed the connection${wasHeard ? '' : ` ${UNANSWERED}`}`;
    socket.on('error', (error) => over(translateSocketError(error, name, where())));
    socket.on('end', () => over(new GatewayError('LINK_CLOSED', name, hungUp())));
    socket.on('close', () => over(new GatewayError('LINK_CLOSED', name, 'the connection was closed')));
    this.#socket = socket;
    if (this.#pauseMs > 0) await this.#pause(socket, signal);
  }

  async #pause(socket: net.Socket, signal: AbortSignal): Promise<void> {
    await this.#clock.sleep(this.#pauseMs, signal).catch((error: unknown) => {
      socket.destroy();
      throw error;
    });
  }

  #over(socket: net.Socket, error: GatewayError, wasHeard: boolean): void {
    if (socket !== this.#socket) return;
    if (!wasHeard || !this.#relay.isIdle) {
      this.#end.fail(error);
      return;
    }
    this.#socket = undefined;
    socket.destroy();
    this.#relay.hungUp();
  }

  listen(receiver: Receiver): void {
    this.#relay.listen(receiver);
  }

  write(bytes: Uint8Array): void {
    if (!this.#end.isOver) this.#socket?.write(bytes);
  }

  fail(error: GatewayError): void {
    this.#end.fail(error);
  }

  async close(): Promise<void> {
    this.#end.close();
  }
}

/** The same with an inbox, for those who fetch. */
export function withInbox(port: SocketPort, clock: Clock): BytePort {
  const inbox = new Inbox(clock);
  port.listen(inbox);
  return {
    inbox,
    lost: port.lost,
    get isAsleep() {
      return port.isAsleep;
    },
    wake: () => port.wake(),
    write: (bytes) => port.write(bytes),
    fail: (error) => port.fail(error),
    close: () => port.close(),
  };
}

/** Passes on to whoever listens; nothing comes from a device that was not asked, but the connection may end before. */
class Relay implements Receiver {
  #receiver: Receiver | undefined;
  #failure: GatewayError | undefined;

  listen(receiver: Receiver): void {
    this.#receiver = receiver;
    if (this.#failure !== undefined) receiver.fail(this.#failure);
  }

  get isIdle(): boolean {
    return this.#receiver?.isIdle === true;
  }

  hungUp(): void {
    this.#receiver?.hungUp?.();
  }

  append(bytes: Buffer): void {
    this.#receiver?.append(bytes);
  }

  fail(error: GatewayError): void {
    this.#failure = error;
    this.#receiver?.fail(error);
  }
}
