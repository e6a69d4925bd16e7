import { request } from 'node:http';
import type { Socket } from 'node:net';
import { GatewayError } from '../../model/error.ts';
import type { Endpoint, ProxySettings } from '../dialect.ts';
import { streamError } from './stream-error.ts';

const PROXY_AUTHENTICATION_REQUIRED = 407;

/** A connection to the endpoint through an HTTP proxy (RFC 9110 §9.3.6). Rejects as `openStream`. */
export function openTunnel(endpoint: Endpoint, proxy: ProxySettings, signal: AbortSignal): Promise<Socket> {
  const { host, port } = endpoint;
  const target = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const name = `http://${proxy.host}:${proxy.port}`;
  const headers = { host: target, ...authorization(proxy) };
  return new Promise((resolve, reject) => {
    const asking = request({
      method: 'CONNECT',
      host: proxy.host,
      port: proxy.port,
      path: target,
      headers,
      agent: false,
      signal,
    });
    asking.once('connect', (answer, socket: Socket, head: Buffer) => {
      socket.on('error', () => {});
      if (answer.statusCode === 200) {
        socket.unshift(head);
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(refusal(name, target, answer.statusCode ?? 0, answer.statusMessage ?? ''));
    });
    // Whatever is not an answer to CONNECT.
    asking.once('response', (answer) => {
      asking.destroy();
      reject(refusal(name, target, answer.statusCode ?? 0, answer.statusMessage ?? ''));
    });
    asking.once('error', (error) => reject(signal.aborted ? signal.reason : proxyFault(error, name)));
    asking.end();
  });
}

function authorization({ username, password }: ProxySettings): Readonly<Record<string, string>> {
  if (username === undefined) return {};
  const credentials = Buffer.from(`${username}:${password?.reveal() ?? ''}`).toString('base64');
  return { 'proxy-authorization': `Basic ${credentials}` };
}

function refusal(name: string, target: string, status: number, text: string): GatewayError {
  const code = status === PROXY_AUTHENTICATION_REQUIRED ? 'HUB_UNAUTHORIZED' : 'HUB_REFUSED';
  const hint = code === 'HUB_UNAUTHORIZED' ? '; give it `username` and `password`' : '';
  return new GatewayError(code, name, `the proxy does not connect to ${target}: ${status} ${text.slice(0, 100)}${hint}`);
}

function proxyFault(error: Error, name: string): GatewayError {
  const { code, message } = streamError(error, name);
  return new GatewayError(code, name, `on the way to the proxy: ${message}`, { cause: error });
}
