import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The program, where it is installed. */
export function findMosquitto(): string | undefined {
  return ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto', '/opt/homebrew/sbin/mosquitto'].find((file) => existsSync(file));
}

/** A real mosquitto on a port of its own on loopback. */
export class Mosquitto {
  readonly port: number;
  readonly #program: string;
  readonly #directory: string;
  #process: ChildProcess | undefined;
  #output = '';

  private constructor(program: string, directory: string, port: number) {
    this.#program = program;
    this.#directory = directory;
    this.port = port;
  }

  /** `lines` of configuration beside the listener. `{directory}` is a directory the broker may read. */
  static async start(
    program: string,
    lines: readonly string[],
    password?: { user: string; password: string },
  ): Promise<Mosquitto> {
    const directory = await mkdtemp(join(tmpdir(), 'mosquitto-'));
    const broker = new Mosquitto(program, directory, await freePort());
    if (password !== undefined) {
      execFileSync('mosquitto_passwd', ['-b', '-c', join(directory, 'passwords'), password.user, password.password]);
    }
    const user = process.getuid?.() === 0 ? ['user root'] : [];
    const listener = [`listener ${broker.port} 127.0.0.1`, 'max_queued_messages 100000', 'max_inflight_messages 0', ...user];
    const text = [...listener, ...lines].join('\n').replaceAll('{directory}', directory);
    await writeFile(join(directory, 'mosquitto.conf'), `${text}\n`);
    await broker.resume();
    return broker;
  }

  /** Starts the process; resolves when it accepts connections. */
  async resume(): Promise<void> {
    const child = spawn(this.#program, ['-c', join(this.#directory, 'mosquitto.conf')], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stderr.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
    this.#process = child;
    while (!(await accepts(this.port))) {
      if (child.exitCode !== null) throw new Error(`mosquitto did not start: ${this.#output}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.kill(name);
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
