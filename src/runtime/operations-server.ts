import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GatewayError } from '../model/error.ts';
import type { GatewayStatus } from '../model/status.ts';
import type { Health } from './health.ts';
import type { Log } from './log.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { checkRequest } from './request-check.ts';

export interface OperationsServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly status: () => GatewayStatus;
  readonly health: () => Health;
  readonly log: Log;
  /** Called with each request that is refused for what it is. */
  readonly onRefused?: (refused: RefusedRequest) => void;
}

export interface RefusedRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly reason: string;
  readonly from: string;
}

export interface OperationsServer {
  readonly port: number;
  /** Resolves when port and connections are free. Idempotent. */
  close(): Promise<void>;
}

interface Page {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

const LIMITS = { headersTimeout: 5_000, requestTimeout: 5_000, keepAliveTimeout: 5_000, maxHeaderSize: 8_192 } as const;
const MAX_CONNECTIONS = 16;
const IDLE_TIMEOUT_MS = 10_000;

const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

/**
 * `GET /metrics`, `/health`, `/status`, for reading only. Rejects with OPERATIONS_UNAVAILABLE where the port cannot be had; the
 * gateway then goes on without, because data matters more than looking at it.
 */
export async function startOperationsServer(options: OperationsServerOptions): Promise<OperationsServer> {
  const metrics = createMetrics();
  const server = createServer(LIMITS, (request, response) => {
    answer(request, options, metrics)
      .catch((error: unknown) => {
        options.log.error('operations request failed', { error });
        return text(500, 'this is a bug; see the log');
      })
      .then((page) => send(response, request, page))
      .catch(() => response.destroy());
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.setTimeout(IDLE_TIMEOUT_MS);
  await listen(server, options);
  return { port: (server.address() as AddressInfo).port, close: () => close(server) };
}

async function answer(request: IncomingMessage, options: OperationsServerOptions, metrics: Metrics): Promise<Page> {
  const refusal = checkRequest(request, options.host);
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  if (refusal !== undefined) {
    const { method = '', socket } = request;
    options.onRefused?.({ method, path, ...refusal, from: socket.remoteAddress ?? '' });
    return text(refusal.status, refusal.reason);
  }
  switch (path) {
    case '/metrics':
      return { status: 200, contentType: metrics.contentType, body: await metrics.render(options.status(), options.health()) };
    case '/health':
      return healthPage(options.health());
    case '/status':
      return json(200, options.status());
    default:
      return text(404, 'there are /metrics, /health and /status');
  }
}

function healthPage({ isHealthy, reasons, remarks = [] }: Health): Page {
  return json(isHealthy ? 200 : 503, {
    status: isHealthy ? 'ok' : 'ill',
    reasons,
    ...(remarks.length === 0 ? {} : { remarks }),
  });
}

function json(status: number, data: unknown): Page {
  return { status, contentType: 'application/json; charset=utf-8', body: `${JSON.stringify(data)}\n` };
}

function text(status: number, body: string): Page {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${body}\n` };
}

function send(response: ServerResponse, request: IncomingMessage, { status, contentType, body }: Page): void {
  const isRefused = status >= 400 && status !== 404 && status !== 503;
  response.writeHead(status, {
    ...SECURITY_HEADERS,
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    ...(status === 405 ? { allow: 'GET, HEAD' } : {}),
    // What came with a refused request, a body perhaps, is not read.
    ...(isRefused ? { connection: 'close' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function listen(server: Server, { host, port, log }: OperationsServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'EADDRINUSE' ? 'another program listens there' : error.message;
      reject(
        new GatewayError('OPERATIONS_UNAVAILABLE', `${host}:${port}`, `cannot listen on ${host}:${port}: ${reason}`, {
          cause: error,
        }),
      );
    });
    server.listen({ host, port }, () => {
      server.removeAllListeners('error');
      server.on('error', (error) => log.warn('operations server failed', { error }));
      resolve();
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
