import { type ChildProcess, spawn } from 'node:child_process';
import { until, within } from './wait.ts';

const KEPT_LINES = 500;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One real process: what it prints is kept, and it can be frozen, thawed, told to stop and killed, by its id. */
export class Child {
  readonly name: string;
  /** The newest lines of both outputs, for whoever wants to know why. */
  readonly lines: string[] = [];
  readonly exited: Promise<Exit>;
  readonly #process: ChildProcess;
  #exit: Exit | undefined;

  /** The process may talk to the test by `process.send`. Whatever it leaves behind when killed is in `directory`. */
  constructor(name: string, command: string, args: readonly string[], directory: string, environment: NodeJS.ProcessEnv = {}) {
    this.name = name;
    const env = { ...process.env, TMPDIR: directory, ...environment };
    this.#process = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    for (const stream of [this.#process.stdout, this.#process.stderr]) this.#keepLines(stream);
    this.exited = new Promise((resolve, reject) => {
      this.#process.once('error', reject);
      this.#process.once('close', (code, signal) => {
        this.#exit = { code, signal };
        resolve(this.#exit);
      });
    });
    this.exited.catch(() => {});
  }

  get isRunning(): boolean {
    return this.#exit === undefined;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  kill(): Promise<Exit> {
    return this.signal('SIGKILL');
  }

  freeze(): void {
    this.#process.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process.kill('SIGCONT');
  }

  /** Sends a signal that ends the process, and waits until it has. */
  async signal(name: NodeJS.Signals, withinMs = 20_000): Promise<Exit> {
    if (this.#exit !== undefined) return this.#exit;
    this.#process.kill(name);
    return within(`the end of ${this.name} after ${name}`, withinMs, this.exited);
  }

  /** Sends `question` and resolves with the next message of the process. */
  async ask<Answer>(question: unknown): Promise<Answer> {
    const answer = new Promise<Answer>((resolve) => this.#process.once('message', (message) => resolve(message as Answer)));
    this.#process.send(question as object);
    return within(`an answer of ${this.name}`, 10_000, answer);
  }

  /** The first message that the process sends by itself: it is ready. */
  async ready<Greeting>(): Promise<Greeting> {
    let greeting: Greeting | undefined;
    this.#process.once('message', (message) => {
      greeting = message as Greeting;
    });
    await until(`${this.name} is ready`, () => greeting !== undefined || !this.isRunning);
    if (greeting === undefined) throw new Error(`${this.name} did not start:\n${this.lines.join('\n')}`);
    return greeting;
  }

  #keepLines(stream: NodeJS.ReadableStream | null): void {
    let rest = '';
    stream?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      this.lines.push(...lines);
      this.lines.splice(0, this.lines.length - KEPT_LINES);
    });
  }
}

/** A script of this folder with its settings. */
export function startScript<Greeting>(name: string, script: string, settings: unknown, directory: string): Started<Greeting> {
  const args = ['--disable-warning=ExperimentalWarning', script, JSON.stringify(settings)];
  const child = new Child(name, process.execPath, args, directory);
  return { child, ready: child.ready<Greeting>() };
}

interface Started<Greeting> {
  readonly child: Child;
  readonly ready: Promise<Greeting>;
}
