import { spawn } from 'node:child_process';
import type { Log } from './log.ts';

/**
 * Tells systemd how the service is, sd_notify(3). Node has no Unix datagram socket, so `systemd-notify` sends; the unit needs
 * `NotifyAccess=all` for that. Without NOTIFY_SOCKET nothing happens. No call ever rejects.
 */
export interface Notifier {
  /** Start-up is over; resolves when it was told. */
  ready(): Promise<void>;
  /** A planned stop has begun; resolves when it was told. */
  stopping(): Promise<void>;
  /** One line for `systemctl status`; rides along with the next message, so that it may be called as often as one likes. */
  status(text: string): void;
  /** The keep-alive. Skipped while the one before is still on its way. */
  watchdog(): Promise<void>;
}

export interface NotifierOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly program?: string;
}

const SEND_TIMEOUT_MS = 5_000;

export function createNotifier({ environment, log, program = 'systemd-notify' }: NotifierOptions): Notifier {
  if (environment.NOTIFY_SOCKET === undefined) return silentNotifier;
  return new SpawningNotifier(program, environment, log);
}

const silentNotifier: Notifier = { async ready() {}, async stopping() {}, status() {}, async watchdog() {} };

class SpawningNotifier implements Notifier {
  readonly #program: string;
  readonly #environment: Readonly<Record<string, string | undefined>>;
  readonly #log: Log;
  #status: string | undefined;
  #sending: Promise<void> | undefined;

  constructor(program: string, environment: Readonly<Record<string, string | undefined>>, log: Log) {
    this.#program = program;
    this.#environment = environment;
    this.#log = log;
  }

  ready(): Promise<void> {
    return this.#afterThat('READY=1');
  }

  stopping(): Promise<void> {
    return this.#afterThat('STOPPING=1');
  }

  status(text: string): void {
    this.#status = text.replaceAll(/\s+/g, ' ');
  }

  watchdog(): Promise<void> {
    return this.#sending ?? this.#send('WATCHDOG=1');
  }

  async #afterThat(assignment: string): Promise<void> {
    while (this.#sending !== undefined) await this.#sending;
    await this.#send(assignment);
  }

  #send(assignment: string): Promise<void> {
    const assignments = this.#status === undefined ? [assignment] : [assignment, `STATUS=${this.#status}`];
    this.#status = undefined;
    this.#sending = this.#run(assignments).finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  #run(assignments: readonly string[]): Promise<void> {
    return new Promise((resolve) => {
      const child = spawn(this.#program, assignments, { env: { ...this.#environment }, stdio: 'ignore' });
      // Not the option `timeout` of spawn: where the program is absent, its timer runs to the end and holds the process.
      const timer = setTimeout(() => child.kill('SIGKILL'), SEND_TIMEOUT_MS);
      const end = (failure?: string): void => {
        clearTimeout(timer);
        if (failure !== undefined)
          this.#log.warn('systemd notification failed', { message: assignments.join(' '), reason: failure });
        resolve();
      };
      child.on('error', (error) => end(error.message));
      child.on('exit', (code, signal) => end(code === 0 ? undefined : `ended with ${signal ?? code}`));
    });
  }
}
