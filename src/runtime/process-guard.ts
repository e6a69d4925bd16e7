import { toGatewayError } from '../model/error.ts';
import type { Log } from './log.ts';

/** EX_SOFTWARE of sysexits.h: a bug; systemd starts the gateway again. */
const EXIT_BUG = 70;
const SIGNAL_NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const;
type StopSignal = keyof typeof SIGNAL_NUMBERS;

/** A bug that nobody caught is logged, then the process ends: what is left of its state cannot be trusted. */
export function endOnBugs(log: Log): void {
  let isEnding = false;
  const end = (error: unknown): void => {
    if (isEnding) process.exit(EXIT_BUG);
    isEnding = true;
    const { message, rule } = toGatewayError(error, 'process');
    log.error('bug found', { code: 'BUG', reason: message, action: rule.action, error });
    setImmediate(() => process.exit(EXIT_BUG));
  };
  process.on('uncaughtException', end);
  process.on('unhandledRejection', end);
}

/** Aborted by the first SIGTERM or SIGINT, which begins the drain; the second one ends the process at once. */
export function stopSignal(log: Log): AbortSignal {
  const stop = new AbortController();
  const onSignal = (name: StopSignal): void => {
    if (stop.signal.aborted) process.exit(128 + SIGNAL_NUMBERS[name]);
    log.info('stop requested', { signal: name });
    stop.abort(new Error(`stopped by ${name}`));
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return stop.signal;
}
