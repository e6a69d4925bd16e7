import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

const LOOK_EVERY_MS = 20;

/** Resolves with the milliseconds it took; rejects, naming what was waited for, when `condition` does not hold in time. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  { withinMs = 30_000 }: { withinMs?: number } = {},
): Promise<number> {
  const startMs = performance.now();
  while (!(await condition())) {
    if (performance.now() - startMs > withinMs) throw new Error(`waited ${withinMs} ms in vain until ${what}`);
    await pause(LOOK_EVERY_MS);
  }
  return performance.now() - startMs;
}

/** Only where time itself is the matter: how long a fault lasts, or a moment drawn by chance. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Rejects, naming what was waited for, when `promise` does not settle in time. */
export async function within<T>(what: string, withinMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${withinMs} ms in vain for ${what}`)), withinMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
