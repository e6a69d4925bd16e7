import { createHash } from 'node:crypto';
import { readFile, realpath, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { GatewayError } from '../model/error.ts';

export interface OwnerLock {
  /** Writes `owner.pid`, once it is sure that the directory may be written. */
  sign(): Promise<void>;
  release(): Promise<void>;
}

const PID_FILE = 'owner.pid';

/**
 * One owner for each directory: an abstract Unix socket, which the kernel frees when the process dies however it dies. The file
 * `owner.pid` is for people only. Throws SPOOL_BUSY.
 */
export async function lockDirectory(directory: string): Promise<OwnerLock> {
  const path = await realpath(directory);
  const name = createHash('sha256').update(path).digest('hex').slice(0, 32);
  const server = await listen(`\0fieldmarshal-spool-${name}`, path);
  const sign = () => writeFile(join(path, PID_FILE), `${process.pid}\n`).catch(() => {});
  return { sign, release: () => new Promise((resolve) => server.close(() => resolve())) };
}

export function isLockFile(name: string): boolean {
  return name === PID_FILE;
}

async function listen(address: string, directory: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  server.unref();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ path: address }, resolve);
    });
    return server;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    const pid = await readFile(join(directory, PID_FILE), 'utf8').catch(() => 'unknown');
    throw new GatewayError('SPOOL_BUSY', directory, `process ${pid.trim()} owns this spool`, { cause: error });
  }
}
