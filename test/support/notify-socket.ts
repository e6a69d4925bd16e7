import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Node has no Unix datagram socket; python3 has. */
const LISTENER = `
import json, socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
print(json.dumps('bound'), flush=True)
while True:
    print(json.dumps(listener.recv(4096).decode()), flush=True)
`;

export function canListenForNotifications(): boolean {
  return ['python3', 'systemd-notify'].every((program) => spawnSync(program, ['--version']).status === 0);
}

/** The other end of NOTIFY_SOCKET. */
export class NotifySocket {
  readonly path: string;
  readonly #directory: string;
  readonly #listener: ChildProcess;
  readonly #waiters: (() => void)[] = [];
  readonly #messages: string[] = [];

  constructor() {
    this.#directory = mkdtempSync(join(tmpdir(), 'notify-'));
    this.path = join(this.#directory, 'socket');
    this.#listener = spawn('python3', ['-c', LISTENER, this.path], { stdio: ['ignore', 'pipe', 'inherit'] });
    const { stdout } = this.#listener;
    if (stdout === null) throw new Error('python3 has no output');
    createInterface(stdout).on('line', (line) => {
      this.#messages.push(JSON.parse(line) as string);
      for (const wake of this.#waiters.splice(0)) wake();
    });
  }

  async bound(): Promise<void> {
    await this.#until((message) => message === 'bound');
  }

  /** Assignments in the order they came, without systemd-notify's own barriers. */
  get received(): readonly string[] {
    return this.#messages.flatMap((message) => message.split('\n')).filter((line) => line !== 'bound' && line !== 'BARRIER=1');
  }

  async until(assignment: string): Promise<void> {
    await this.#until(() => this.received.includes(assignment));
  }

  async close(): Promise<void> {
    const ended = once(this.#listener, 'exit');
    this.#listener.kill('SIGKILL');
    await ended;
    rmSync(this.#directory, { recursive: true });
  }

  async #until(isThere: (message: string) => boolean): Promise<void> {
    while (!this.#messages.some(isThere)) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }
}
