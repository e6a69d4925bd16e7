import net from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import tls, { type TLSSocket } from 'node:tls';
import { GatewayError } from '../../../src/model/error.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import type { TlsSettings } from '../mapping/tcp-settings.ts';
import { refusedCertificate, translateHandshakeError, translateSocketError } from './socket-error.ts';
import { checkPin, tlsOptions } from './tls-options.ts';

const KEEP_ALIVE_MS = 30_000;
/** Many answers; one buffer for each socket, used again and again. */
const READ_BYTES = 8_192;
/** In TLS 1.3 a server looks at the client's certificate after the client is done; its refusal comes a round trip later. */
const VERDICT_WITHIN_MS = 250;

export interface Target {
  /** Of the connection, for errors. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly tls?: TlsSettings | undefined;
  readonly connectTimeoutMs: number;
}

/** A connected socket, the peer checked. `onBytes` is given memory that is used again afterwards. Leaves nothing open when it rejects. */
export async function connectSocket(
  target: Target,
  onBytes: (bytes: Buffer) => void,
  clock: Clock,
  signal: AbortSignal,
): Promise<net.Socket> {
  signal.throwIfAborted();
  const secured = target.tls === undefined ? undefined : await tlsOptions(target.name, target.host, target.tls);
  signal.throwIfAborted();
  const options = { host: target.host, port: target.port, onread: onread(onBytes) };
  const socket = secured === undefined ? net.connect(options) : startTls({ ...options, ...secured }, target.name);
  socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
  try {
    await connected(socket, target, clock, signal);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function onread(onBytes: (bytes: Buffer) => void) {
  return {
    buffer: Buffer.allocUnsafe(READ_BYTES),
    callback: (count: number, buffer: Uint8Array) => {
      onBytes((buffer as Buffer).subarray(0, count));
      return true;
    },
  };
}

function startTls(options: tls.ConnectionOptions, name: string): TLSSocket {
  try {
    return tls.connect(options);
  } catch (cause) {
    throw new GatewayError('LINK_UNAUTHORIZED', name, '`tls.ca`, `tls.certificate` or `tls.privateKey` cannot be used', {
      cause,
    });
  }
}

function connected(socket: net.Socket | TLSSocket, target: Target, clock: Clock, signal: AbortSignal): Promise<void> {
  const { name, host, port, connectTimeoutMs } = target;
  const where = `${host}:${port}`;
  const done = new AbortController();
  return new Promise<void>((resolve, reject) => {
    const refuse = (message: string) => reject(new GatewayError('LINK_TIMEOUT', name, `${where} ${message}`));
    const isTls = 'encrypted' in socket;
    socket.on('error', (error) =>
      reject(isTls ? translateHandshakeError(error, name, where) : translateSocketError(error, name, where)),
    );
    signal.addEventListener('abort', () => reject(signal.reason), { signal: done.signal });
    clock.sleep(connectTimeoutMs, done.signal).then(
      () => refuse(`did not answer within ${connectTimeoutMs} ms`),
      () => {},
    );
    if (isTls) whenTrusted(socket, target, clock, done.signal).then(resolve, reject);
    else socket.once('connect', resolve);
  }).finally(() => done.abort());
}

async function whenTrusted(socket: TLSSocket, { name, host, port, tls: settings }: Target, clock: Clock, done: AbortSignal) {
  const ended = Promise.withResolvers<never>();
  const where = `${host}:${port}`;
  socket.once('close', () =>
    ended.reject(new GatewayError('LINK_UNAUTHORIZED', name, `${where}: ${refusedCertificate('it hung up')}`)),
  );
  const secured = new Promise<void>((resolve) => socket.once('secureConnect', () => resolve()));
  const welcome = new Promise<void>((resolve) => socket.once('session', () => resolve()));
  await Promise.race([secured, ended.promise]);
  const mismatch = settings === undefined ? undefined : checkPin(socket, settings, name);
  if (mismatch !== undefined) throw mismatch;
  if (socket.getProtocol() !== 'TLSv1.3') return;
  const verdict = clock.sleep(VERDICT_WITHIN_MS, done).catch(() => {});
  await Promise.race([welcome, verdict, ended.promise]);
  // The welcome is told from inside OpenSSL, which must be done with reading before anything is written.
  await nextTurn();
}
