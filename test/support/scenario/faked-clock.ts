import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const LIBRARY = [`/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`, '/usr/lib', '/usr/lib64']
  .map((directory) => `${directory}/faketime/libfaketimeMT.so.1`)
  .find((file) => existsSync(file));

/** Pending, with the way to enable it, where there is no libfaketime. */
export function itWithFakedClock(promise: string, story: () => Promise<void>): void {
  if (LIBRARY !== undefined) it(promise, story);
  else it.skip(`${promise} (to run it: sudo scripts/install-test-peers/faketime.sh)`);
}

/** What a process takes for the clock of the machine, wrong as one likes; the time since boot goes on as it does. */
export class FakedClock {
  readonly environment: NodeJS.ProcessEnv;
  readonly #file: string;

  private constructor(file: string) {
    this.#file = file;
    this.environment = {
      ...{ LD_PRELOAD: LIBRARY, FAKETIME_TIMESTAMP_FILE: file },
      // An offset that changes is seen within a second.
      ...{ FAKETIME_CACHE_DURATION: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1' },
    };
  }

  static async create(directory: string, wrongByMs: number): Promise<FakedClock> {
    const clock = new FakedClock(join(directory, 'clock-offset'));
    await clock.set(wrongByMs);
    return clock;
  }

  /** Against the right time; whole seconds. */
  async set(wrongByMs: number): Promise<void> {
    const offset = Math.round(wrongByMs / 1_000);
    await writeFile(this.#file, `${offset < 0 ? '' : '+'}${offset}\n`);
  }
}
