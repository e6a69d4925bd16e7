import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A serial line between two programs: two pseudo-terminals joined by socat. They have no parity. */
export class SocatLine {
  readonly near: string;
  readonly far: string;
  #process: ChildProcess | undefined;

  constructor(directory: string) {
    this.near = join(directory, 'near');
    this.far = join(directory, 'far');
  }

  async plug(): Promise<void> {
    const ends = [this.near, this.far].map((link) => `pty,raw,echo=0,link=${link}`);
    const child = spawn('socat', ends, { stdio: ['ignore', 'ignore', 'inherit'] });
    this.#process = child;
    while (!(existsSync(this.near) && existsSync(this.far))) {
      if (child.exitCode !== null) throw new Error('socat made no line');
      await sleep(5);
    }
  }

  /** Both ends are gone, as when the adapters are pulled out. */
  async unplug(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const exited = once(child, 'exit');
    // Told to end, it removes its links.
    child.kill('SIGTERM');
    await exited;
  }
}
