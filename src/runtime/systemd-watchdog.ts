import type { Clock } from './clock.ts';
import type { Health } from './health.ts';
import type { Log } from './log.ts';
import type { Notifier } from './systemd-notifier.ts';

export interface WatchdogOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly notifier: Notifier;
  readonly health: () => Health;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends the keep-alive. */
  readonly signal: AbortSignal;
  readonly pid?: number;
}

/**
 * Keeps systemd's watchdog (`WatchdogSec=` of the unit) quiet while the gateway is healthy; otherwise systemd ends and restarts
 * it. Does nothing where the unit has no watchdog, or one for another process.
 */
export function startWatchdog(options: WatchdogOptions): void {
  const everyMs = pingIntervalMs(options.environment, options.pid ?? process.pid);
  if (everyMs === undefined) return;
  keepAlive(options, everyMs).catch((error: unknown) => {
    if (!options.signal.aborted) options.log.error('watchdog ended', { error });
  });
}

/** Half of what the unit allows; `undefined` where nobody watches this process. */
export function pingIntervalMs(environment: WatchdogOptions['environment'], pid: number): number | undefined {
  const { WATCHDOG_USEC: allowed, WATCHDOG_PID: watched } = environment;
  const allowedMs = Number(allowed) / 1_000;
  if (!(allowedMs > 0) || (watched !== undefined && Number(watched) !== pid)) return undefined;
  return allowedMs / 2;
}

async function keepAlive({ notifier, health, clock, log, signal }: WatchdogOptions, everyMs: number): Promise<void> {
  let wasHealthy = true;
  while (!signal.aborted) {
    const { isHealthy, reasons } = health();
    if (isHealthy) await notifier.watchdog();
    else if (wasHealthy) log.error('watchdog withheld', { reasons });
    wasHealthy = isHealthy;
    await clock.sleep(everyMs, signal);
  }
}
