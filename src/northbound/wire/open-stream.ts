import type { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { connect, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls';
import { GatewayError } from '../../model/error.ts';
import type { Endpoint, WireSettings } from '../dialect.ts';
import { requirePin } from './pin.ts';
import { openTunnel } from './proxy-tunnel.ts';
import { isEnded, streamError } from './stream-error.ts';
import { openWebSocket } from './web-socket.ts';

type FromWire = Pick<WireSettings, 'caFile' | 'pins' | 'certificateFile' | 'privateKey' | 'keyOnToken' | 'proxy'>;

export interface StreamSettings extends FromWire {
  /** Told the certificate of the hub, once it is trusted. */
  readonly onTrusted?: (certificate: X509Certificate) => void;
}

/**
 * A stream that MQTT can be spoken over: TCP, through a proxy where there is one, TLS with the peer checked, WebSocket where the endpoint
 * has a path. Rejects with a GatewayError, or with the signal's reason, and then leaves nothing open.
 */
export async function openStream(
  endpoint: Endpoint,
  settings: StreamSettings,
  subject: string,
  signal: AbortSignal,
): Promise<Duplex> {
  const { host, port, tls, webSocketPath } = endpoint;
  const { proxy } = settings;
  const options = tls ? await tlsOptions(endpoint, settings, subject) : undefined;
  signal.throwIfAborted();
  const bare = await (proxy === undefined
    ? whenConnected(connect({ host, port }), subject, signal)
    : openTunnel(endpoint, proxy, signal));
  // Nagle's algorithm against delayed acknowledgements costs nine tenths of the rate over TLS.
  bare.setNoDelay(true);
  const stream = options === undefined ? bare : await openTls(bare, { endpoint, settings, options, subject, signal });
  return webSocketPath === undefined ? stream : await openWebSocket(stream, endpoint, subject, signal);
}

interface TlsStart {
  readonly endpoint: Endpoint;
  readonly settings: StreamSettings;
  readonly options: ConnectionOptions;
  readonly subject: string;
  readonly signal: AbortSignal;
}

async function openTls(bare: Socket, { endpoint, settings, options, subject, signal }: TlsStart): Promise<TLSSocket> {
  const stream = startTls(bare, options, subject);
  await whenConnected(stream, subject, signal);
  const { pins, onTrusted } = settings;
  try {
    if (pins !== undefined) requirePin(stream, pins, endpoint.host, isChainChecked(settings), subject);
  } catch (error) {
    stream.destroy();
    throw error;
  }
  const certificate = stream.getPeerX509Certificate();
  if (certificate !== undefined) onTrusted?.(certificate);
  return stream;
}

/** A pin takes the place of an authority, unless there are both. */
function isChainChecked({ pins, caFile }: StreamSettings): boolean {
  return pins === undefined || caFile !== undefined;
}

function startTls(socket: Socket, options: ConnectionOptions, subject: string): TLSSocket {
  try {
    return connectTls({ ...options, socket });
  } catch (cause) {
    socket.destroy();
    const what = options.privateKeyEngine === undefined ? 'CA, certificate or private key' : 'the key on the token';
    const text = `${what} cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new GatewayError('HUB_UNAUTHORIZED', subject, text, { cause });
  }
}

/** Files are read at each attempt, so that a renewed certificate needs no restart. */
async function tlsOptions({ host, alpn }: Endpoint, settings: StreamSettings, subject: string): Promise<ConnectionOptions> {
  const { caFile, certificateFile, privateKey, keyOnToken } = settings;
  const ca = caFile === undefined ? undefined : await readPem(caFile, 'HUB_UNTRUSTED', subject);
  const cert = certificateFile === undefined ? undefined : await readPem(certificateFile, 'HUB_UNAUTHORIZED', subject);
  return {
    host,
    minVersion: 'TLSv1.2',
    rejectUnauthorized: isChainChecked(settings),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(alpn === undefined ? {} : { ALPNProtocols: [alpn] }),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(privateKey === undefined ? {} : { key: Buffer.from(privateKey.revealBytes()) }),
    ...(keyOnToken === undefined ? {} : { privateKeyEngine: keyOnToken.engine, privateKeyIdentifier: keyOnToken.uri }),
  };
}

async function readPem(file: string, code: 'HUB_UNTRUSTED' | 'HUB_UNAUTHORIZED', subject: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new GatewayError(code, subject, `${file} cannot be read`, { cause });
  }
}

function whenConnected(stream: Socket | TLSSocket, subject: string, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const isTls = 'encrypted' in stream;
    const ended = isTls ? 'TLS had begun; is this a port without TLS, that of `mqtt://`?' : 'it was open';
    let certificate: PeerCertificate | undefined;
    const fail = (reason: unknown) => {
      signal.removeEventListener('abort', onAbort);
      stream.destroy();
      reject(reason);
    };
    const onAbort = () => fail(signal.reason);
    const end = (cause?: unknown) =>
      fail(new GatewayError('HUB_REFUSED', subject, `the hub closed the connection before ${ended}`, { cause }));
    const onError = (error: Error) => (isTls && isEnded(error) ? end(error) : fail(streamError(error, subject, certificate)));
    const onClose = () => end();
    // Emitted before Node checks the chain and the name; a refused certificate cannot be asked for afterwards.
    if (isTls) stream.prependOnceListener('secure', () => (certificate = stream.getPeerCertificate()));
    signal.addEventListener('abort', onAbort, { once: true });
    stream.on('error', onError);
    stream.once('close', onClose);
    stream.once(isTls ? 'secureConnect' : 'connect', () => {
      signal.removeEventListener('abort', onAbort);
      stream.off('close', onClose);
      stream.off('error', onError);
      stream.on('error', () => {});
      resolve(stream);
    });
  });
}
