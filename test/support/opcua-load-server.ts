import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from './scenario/wait.ts';

export interface LoadOptions {
  /** Named `v0` … */
  readonly variables: number;
  /** So often every variable takes the next number. */
  readonly intervalMs: number;
  readonly type?: 'double' | 'float';
  /** Where clients reach it through something between. */
  readonly otherPort?: number;
  /** How much one request may carry; by default 10 000. */
  readonly perCall?: number;
}

export const LOAD_NAMESPACE = 'urn:bench';

/** The server on gopcua that gives more than a gateway may be asked to take; `undefined` where it was not built. */
export function findLoadServer(): string | undefined {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const peers = process.env.FIELDMARSHAL_TEST_PEERS ?? join(cache, 'fieldmarshal-test-peers');
  const program = join(peers, 'gopcua', 'load-server');
  return existsSync(program) ? program : undefined;
}

/** Ends with the process that started it, whatever becomes of that: its standard input is closed then. */
export class OpcuaLoadServer {
  readonly url: string;
  readonly namespaceIndex: number;
  /** Requests that carried more than the server takes. */
  refusals = 0;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number, namespaceIndex: number) {
    this.#child = child;
    this.url = `opc.tcp://127.0.0.1:${port}`;
    this.namespaceIndex = namespaceIndex;
  }

  static async start(program: string, options: LoadOptions, port?: number): Promise<OpcuaLoadServer> {
    const { variables, intervalMs, type = 'double', otherPort = 0, perCall = 10_000 } = options;
    const ownPort = port ?? (await freePort());
    const args = [ownPort, variables, intervalMs, type, otherPort, perCall];
    const child = spawn(program, args.map(String), { stdio: ['pipe', 'pipe', 'ignore'] });
    const ended = new AbortController();
    child.once('exit', () => ended.abort(new Error('the load server ended before it was ready')));
    const lines = createInterface({ input: child.stdout });
    const [ready] = (await once(lines, 'line', { signal: ended.signal })) as [string];
    const server = new OpcuaLoadServer(child, ownPort, Number(ready.split(' ')[1]));
    lines.on('line', () => {
      server.refusals += 1;
    });
    return server;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}
