import { GatewayError } from '../model/error.ts';

/** Tells those who wait that something was committed, or that it is over. */
export class Turns {
  readonly #subject: string;
  readonly #closing = new AbortController();
  #version = 0;
  #waiting: (() => void)[] = [];

  constructor(subject: string) {
    this.#subject = subject;
  }

  get version(): number {
    return this.#version;
  }

  next(): void {
    this.#version += 1;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  close(): void {
    this.#closing.abort(new GatewayError('SPOOL_WRITE', this.#subject, 'the spool is closed'));
  }

  /** Resolves when the version is no longer `seen`; rejects with the reason of the signal, or when it is over. */
  changed(seen: number, signal: AbortSignal): Promise<void> {
    if (this.#version !== seen) return Promise.resolve();
    return this.#until(signal, (resolve) => {
      this.#waiting.push(resolve);
      return () => {
        this.#waiting = this.#waiting.filter((wake) => wake !== resolve);
      };
    });
  }

  pause(ms: number, signal: AbortSignal): Promise<void> {
    return this.#until(signal, (resolve) => {
      const timer = setTimeout(resolve, ms);
      return () => clearTimeout(timer);
    });
  }

  #until(signal: AbortSignal, start: (resolve: () => void) => () => void): Promise<void> {
    const signals = [signal, this.#closing.signal];
    return new Promise((resolve, reject) => {
      let stop = () => {};
      const end = () => {
        stop();
        for (const each of signals) each.removeEventListener('abort', abort);
      };
      const abort = () => {
        end();
        reject(signals.find(({ aborted }) => aborted)?.reason);
      };
      if (signals.some(({ aborted }) => aborted)) return abort();
      for (const each of signals) each.addEventListener('abort', abort);
      stop = start(() => {
        end();
        resolve();
      });
    });
  }
}
