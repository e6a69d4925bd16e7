import { existsSync, readFileSync } from 'node:fs';

/** Where time comes from; tests hand in one that they move by hand. */
export interface TimeSource {
  /** What the clock of the machine shows; UTC, milliseconds since 1970. May jump. */
  wallMs(): number;
  /** Milliseconds since the machine was switched on; never jumps, goes on when the gateway is started again. */
  sinceBootMs(): number;
  /** Another one each time the machine is switched on. */
  readonly boot: string;
  /** Whether somebody who should know says that the clock is set; `undefined`: nobody was named. */
  isSet(): boolean | undefined;
}

/** `setFile` is there once the clock is set, e.g. `/run/systemd/timesync/synchronized`. */
export function systemTime(setFile?: string): TimeSource {
  const bootMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();
  return {
    wallMs: () => Date.now(),
    sinceBootMs: () => bootMs + performance.now(),
    boot: readBoot(),
    isSet: () => (setFile === undefined ? undefined : existsSync(setFile)),
  };
}

/** Where the kernel does not tell, each start counts as another one: then nothing is corrected by mistake. */
function readBoot(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return crypto.randomUUID();
  }
}
