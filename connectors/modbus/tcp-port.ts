import net from 'node:net';
import { type ErrorCode, GatewayError } from '../../src/model/error.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { type BytePort, PortEnd } from './byte-port.ts';
import { Inbox } from './inbox.ts';
import type { RtuOverTcpSettings, TcpSettings } from './settings.ts';

const KEEP_ALIVE_MS = 30_000;

/** One attempt. */
export async function openTcpPort(
  name: string,
  settings: TcpSettings | RtuOverTcpSettings,
  clock: Clock,
  signal: AbortSignal,
): Promise<BytePort> {
  signal.throwIfAborted();
  const socket = net.connect({
    host: settings.host,
    port: settings.port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
  });
  try {
    await connected(socket, name, settings, clock, signal);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return wrap(socket, name, clock);
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
    socket.on('error', (error) => reject(translate(error, name, `${host}:${port}`)));
    signal.addEventListener('abort', () => reject(signal.reason), { signal: done.signal });
    clock.sleep(connectTimeout, done.signal).then(
      () => reject(new GatewayError('LINK_TIMEOUT', name, `${host}:${port} did not answer within ${connectTimeout} ms`)),
      () => {},
    );
  }).finally(() => done.abort());
}

function wrap(socket: net.Socket, name: string, clock: Clock): BytePort {
  const inbox = new Inbox(clock);
  const end = new PortEnd(name, inbox, () => socket.destroy());
  socket.on('data', (bytes) => inbox.append(bytes));
  socket.on('error', (error) => end.fail(translate(error, name, 'the connection')));
  socket.on('end', () => end.fail(new GatewayError('LINK_CLOSED', name, 'the device closed the connection')));
  socket.on('close', () => end.fail(new GatewayError('LINK_CLOSED', name, 'the connection was closed')));
  return {
    inbox,
    lost: end.lost,
    write: (bytes) => {
      if (!end.isOver) socket.write(bytes);
    },
    fail: (error) => end.fail(error),
    close: async () => end.close(),
  };
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there (ECONNREFUSED)',
  ENOTFOUND: 'no such host name (ENOTFOUND)',
  EHOSTUNREACH: 'no way to this address (EHOSTUNREACH)',
  ENETUNREACH: 'no way to this network (ENETUNREACH)',
};

const CODES: Readonly<Record<string, ErrorCode>> = {
  ETIMEDOUT: 'LINK_TIMEOUT',
  EHOSTUNREACH: 'LINK_TIMEOUT',
  ENETUNREACH: 'LINK_TIMEOUT',
  ECONNRESET: 'LINK_CLOSED',
  EPIPE: 'LINK_CLOSED',
};

function translate(error: Error, name: string, where: string): GatewayError {
  const cause = 'code' in error ? String(error.code) : '';
  return new GatewayError(CODES[cause] ?? 'LINK_REFUSED', name, `${where}: ${REASONS[cause] ?? (error.message || cause)}`, {
    cause: error,
  });
}
